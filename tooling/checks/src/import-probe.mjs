// Imports one module in a process of its own and writes to stdout, as JSON, what the import did besides defining things
// (OPS-17): environment variables and files that the module itself touched, and timers, sockets, workers and processes
// that anybody began. Usage: node import-probe.mjs <file> <folder of the module's own code>
import { createHook } from 'node:async_hooks'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [file, ownFolder] = process.argv.slice(2)
const ownUrl = pathToFileURL(ownFolder).href
const seen = new Set()

/** Whether the code that did it is the module's own: the nearest frame outside of this file and of Node. */
function byOwnCode() {
  const frames = (new Error().stack ?? '').split('\n').slice(1)
  const caller = frames.find((frame) => !frame.includes('import-probe.mjs') && !frame.includes('node:'))
  return caller !== undefined && (caller.includes(ownFolder) || caller.includes(ownUrl))
}

const note = (what) => {
  if (byOwnCode()) seen.add(what)
}
const environment = new Proxy(process.env, {
  get: (target, name) => {
    note(`reads process.env.${String(name)}`)
    return target[name]
  },
  has: (target, name) => {
    note(`asks for process.env.${String(name)}`)
    return name in target
  },
  ownKeys: (target) => {
    note('lists process.env')
    return Reflect.ownKeys(target)
  },
})
Object.defineProperty(process, 'env', { value: environment, configurable: true })

for (const api of [fs, fs.promises]) {
  for (const name of Object.keys(api)) {
    const original = api[name]
    if (typeof original !== 'function' || /^[A-Z_]/.test(name)) continue
    api[name] = Object.assign(function (...args) {
      note(`calls fs.${name}`)
      return Reflect.apply(original, this, args)
    }, original)
  }
}
syncBuiltinESMExports()

/** Kinds of resources that outlive a call; the module loader makes none of them. */
const STARTED =
  /^(Timeout|TCPWRAP|TCPSERVERWRAP|TCPCONNECTWRAP|PIPEWRAP|PIPESERVERWRAP|UDPWRAP|PROCESSWRAP|WORKER|FSEVENTWRAP|STATWATCHER|SIGNALWRAP|GETADDRINFOREQWRAP|TLSWRAP|HTTPINCOMINGMESSAGE)$/
const hook = createHook({
  init: (_id, type) => {
    if (STARTED.test(type)) seen.add(`starts a ${type}`)
  },
})
// Node makes its standard streams when somebody first looks at them; they are nobody's doing.
void process.stdout
void process.stderr
hook.enable()
try {
  await import(pathToFileURL(path.resolve(file)).href)
} catch (error) {
  seen.add(`cannot be imported: ${error instanceof Error ? error.message : String(error)}`)
}
hook.disable()
process.stdout.write(JSON.stringify([...seen]))
