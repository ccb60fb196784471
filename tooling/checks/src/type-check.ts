import path from 'node:path'
import ts from 'typescript'

/** The compiler's own declarations, by their path: the same for every project. */
const libraries = new Map<string, ts.SourceFile>()

/**
 * What `tsc -p <project>` would say about a project, on one line, or nothing when it compiles; it is compiled then. In this process,
 * because a compiler that starts anew takes three times as long for a small project as one that has just compiled another.
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
  const found = [
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...program.getSourceFiles().flatMap((file) => faultsOf(program, file)),
  ]
  if (found.length > 0) return textOf(found, project)
  const { diagnostics } = program.emit()
  return diagnostics.length > 0 ? textOf(diagnostics, project) : undefined
}

/** Of the project's and its packages' files. Those of the compiler and of Node would take as long again, and are not ours. */
function faultsOf(program: ts.Program, file: ts.SourceFile): readonly ts.Diagnostic[] {
  if (program.isSourceFileDefaultLibrary(file) || /\/node_modules\/(?:@types\/node|undici-types)\//.test(file.fileName))
    return []
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
}

function hostOf(options: ts.CompilerOptions, project: string): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  const own = path.dirname(host.getDefaultLibFileName(options))
  const asOptions = JSON.stringify(options.target)
  return {
    ...host,
    getCurrentDirectory: () => project,
    getSourceFile: (name, ...how) => {
      if (path.dirname(name) !== own) return host.getSourceFile(name, ...how)
      const key = `${asOptions} ${name}`
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
