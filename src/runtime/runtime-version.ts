import { execFile } from 'node:child_process';

/** More than any program needs to say its version, on a busy machine. */
const LONGEST_MS = 20_000;
const MAX_SAID_BYTES = 64 * 1024;

/** What the program prints for `--version`, or undefined if it ends with an error, says nothing, or takes too long. */
export function readVersion(program: string, searchPath: string): Promise<string | undefined> {
  const options = {
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_SAID_BYTES,
    env: { PATH: searchPath, LC_ALL: 'C' },
    cwd: '/',
  } as const;
  return new Promise((resolve) => {
    execFile(program, ['--version'], options, (error, stdout) => {
      resolve(error === null && stdout.trim() !== '' ? stdout.trim() : undefined);
    });
  });
}

/** The number in what a runtime says of itself: `1.1.5` of `runc version 1.1.5`, `3.2.0` of `kata-runtime  : 3.2.0`. */
export const versionIn = (said: string): string =>
  said.match(/^\S+?:?\s+(?:version:?\s+|:\s+)?v?(\S+)/)?.[1] ?? '';
