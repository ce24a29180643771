import { readFileSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';

/** Lines for a file of mount points: names may hold anything, a newline too. */
export function formatMountPoints(paths: readonly string[]): string {
  return paths.map((path) => `${JSON.stringify(path)}\n`).join('');
}

/** The paths that such a file names; none if there is no file. A line that a kill has cut names none. */
export function readMountPoints(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line) => {
    try {
      const path: unknown = JSON.parse(line);
      return typeof path === 'string' ? [path] : [];
    } catch {
      return [];
    }
  });
}
