/**
 * The C library, loaded once and only when a system call that Node lacks is needed. No other room loads koffi.
 * Calls are synchronous (1 to 2 µs each): run many of them in a worker, never with koffi's `.async`.
 * @module
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorMaker, isDobosError } from '../base/errors.ts';
import { encodeName, hasRawBytes } from '../base/names.ts';

type LinuxErrors = {
  LINUX_MISSING: { call: string; platform: string };
  LINUX_CALL: { call: string; code: string; what: string };
  LINUX_NUL: { path: string };
};
export const linuxError = errorMaker<LinuxErrors>({
  LINUX_MISSING: ({ call, platform }) => `${call} needs Linux, this is ${platform}`,
  LINUX_CALL: ({ call, code, what }) => `${call} of ${what} failed: ${code}`,
  LINUX_NUL: ({ path }) => `path ${JSON.stringify(path)} contains a zero byte`,
});

type Koffi = typeof import('koffi');
type NativeFunction = ReturnType<ReturnType<Koffi['load']>['func']>;

let loaded: { readonly koffi: Koffi; readonly library: ReturnType<Koffi['load']> } | undefined;

/** Whether anything has needed it: then one more call costs nothing. */
export const isLibcLoaded = (): boolean => loaded !== undefined;

function load(call: string): NonNullable<typeof loaded> {
  if (loaded === undefined) {
    if (process.platform !== 'linux') throw linuxError('LINUX_MISSING', { call, platform: process.platform });
    const koffi = loadKoffi();
    loaded = { koffi, library: koffi.load(null) };
  }
  return loaded;
}

/** How musl's loader names these architectures. */
const MUSL: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** koffi's compiled part from where npm lays it; what stands around it looks for that part for 5 ms, and adds only names that are no longer to be used. */
function loadKoffi(): Koffi {
  const { arch } = process;
  const musl = MUSL[arch];
  const compiled =
    musl === undefined || existsSync(`/lib/ld-musl-${musl}.so.1`)
      ? undefined
      : findPackaged(join('@koromix', `koffi-linux-${arch}`, `linux_${arch}`, 'koffi.node'));
  if (compiled !== undefined) {
    try {
      // As `require` does in the end, which looks for 1 ms first.
      const module = { exports: {} };
      process.dlopen(module, compiled);
      return module.exports as Koffi;
    } catch {
      // koffi says what is wrong with it.
    }
  }
  // Laid elsewhere: koffi finds it.
  return createRequire(import.meta.url)('koffi') as Koffi;
}

/** A file of a package in the nearest `node_modules` that has it. */
function findPackaged(name: string): string | undefined {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

/** A C function that is bound at its first call; `prototype` as koffi writes it, e.g. `int flock(int fd, int operation)`. */
export function bindCall<Result, Args extends readonly unknown[]>(
  prototype: string,
): (...args: Args) => Result {
  let bound: NativeFunction | undefined;
  return (...args) => {
    bound ??= load(prototype).library.func(prototype);
    return bound(...args) as Result;
  };
}

/** Where a buffer lies, for structures that point at others; it must be kept until the call is done. */
export function addressOf(buffer: Buffer): bigint {
  return load('address').koffi.address(buffer);
}

/** errno of the call that has just failed, by name (`EPERM`). Ask at once. */
export function lastErrno(): string {
  const { koffi } = load('errno');
  const number = koffi.errno();
  // The first of two names for one number, in the order of the alphabet: EAGAIN, not EWOULDBLOCK.
  errnoNames ??= new Map(
    Object.entries(koffi.os.errno)
      .sort(([a], [b]) => (a < b ? 1 : -1))
      .map(([name, value]) => [value, name]),
  );
  return errnoNames.get(number) ?? `errno ${number}`;
}

let errnoNames: Map<number, string> | undefined;

/** A path as koffi passes it: the string itself, or its bytes with the final NUL when it is not UTF-8. @throws LINUX_NUL */
export function cPath(path: string): string | Buffer {
  if (path.includes('\0')) throw linuxError('LINUX_NUL', { path });
  return hasRawBytes(path) ? Buffer.concat([encodeName(path), NUL]) : path;
}

const NUL = Buffer.alloc(1);

/** Throws LINUX_CALL if a call returned -1; otherwise its result. */
export function checked(result: number, call: string, what: string): number {
  if (result < 0) throw linuxError('LINUX_CALL', { call, code: lastErrno(), what });
  return result;
}

/** The errno name of a LINUX_CALL error, or undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  return isDobosError(error, 'LINUX_CALL') ? String(error.facts.code) : undefined;
}
