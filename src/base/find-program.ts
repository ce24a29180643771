import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';

/** The absolute path of a program: a name is looked for in the folders of `searchPath`, anything with a slash is a path. Undefined if there is none that can be executed. */
export function findProgram(name: string, searchPath: string): string | undefined {
  if (name === '') return undefined;
  if (name.includes('/')) return isProgram(resolve(name)) ? resolve(name) : undefined;
  for (const folder of searchPath.split(':')) {
    // A relative folder of PATH would mean another program in each working directory.
    if (isAbsolute(folder) && isProgram(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
