import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';

/** The absolute path of a program: a name is looked for in the folders of `searchPath`, anything with a slash is a path. Undefined if there is none that can be executed. */
export function findProgram(name: string, searchPath: string): string | undefined {
  if (name === '') return undefined;
  if (name.includes('/')) return isProgram(resolve(name)) ? resolve(name) : undefined;
  for (const folder of searchPath.split(':')) {
    // A relative folder of PATH would mean another program in each working directory.
    if (isAbsolute(folder) && isProgram(`${folder}/${name}`)) return join(folder, name);
  }
  return undefined;
}

/** Most folders of a search path do not have it: there no error is made, which costs more than the look. */
function isProgram(path: string): boolean {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
