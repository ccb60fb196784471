import path from 'node:path'
import ts from 'typescript'

/** The compiler's own declarations, by target and path: read once for all projects. */
const libraries = new Map<string, ts.SourceFile>()

/**
 * What `tsc -p <project>` would say about a project, on one line, or nothing when it compiles; it is compiled then. In this process,
 * because a compiler that starts anew for each small project makes the check of all READMEs take a third more processor time.
 */
export function typeFault(project: string): string | undefined {
  const file = path.join(project, 'tsconfig.json')
  const read = ts.readConfigFile(file, (name) => ts.sys.readFile(name))
  if (read.error !== undefined) return textOf([read.error], project)
  const { options, fileNames, errors } = ts.parseJsonConfigFileContent(read.config, ts.sys, project, undefined, file)
  const program = ts.createProgram({
    rootNames: fileNames,
    options,
    host: hostOf(options, project),
    configFileParsingDiagnostics: errors,
  })
  const found = ts.getPreEmitDiagnostics(program)
  if (found.length > 0) return textOf(found, project)
  const { diagnostics } = program.emit()
  return diagnostics.length > 0 ? textOf(diagnostics, project) : undefined
}

function hostOf(options: ts.CompilerOptions, project: string): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  const own = path.dirname(host.getDefaultLibFileName(options))
  return {
    ...host,
    getCurrentDirectory: () => project,
    getSourceFile: (name, ...how) => {
      if (path.dirname(name) !== own) return host.getSourceFile(name, ...how)
      const key = `${String(options.target)} ${name}`
      const file = libraries.get(key) ?? host.getSourceFile(name, ...how)
      if (file !== undefined) libraries.set(key, file)
      return file
    },
  }
}

function textOf(diagnostics: readonly ts.Diagnostic[], project: string): string {
  const format = {
    getCanonicalFileName: (name: string) => name,
    getCurrentDirectory: () => project,
    getNewLine: () => ' ',
  }
  return ts.formatDiagnostics(diagnostics, format).replaceAll(/\s+/g, ' ').trim()
}
