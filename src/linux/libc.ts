/**
 * The C library, loaded once and only when a system call that Node lacks is needed. No other room loads koffi.
 * Calls are synchronous (1 to 2 µs each): run many of them in a worker, never with koffi's `.async`.
 * @module
 */
import { createRequire } from 'node:module';
import { errorMaker } from '../base/errors.ts';

type LinuxErrors = {
  LINUX_MISSING: { call: string; platform: string };
  LINUX_CALL: { call: string; code: string; what: string };
};
export const linuxError = errorMaker<LinuxErrors>({
  LINUX_MISSING: ({ call, platform }) => `${call} needs Linux, this is ${platform}`,
  LINUX_CALL: ({ call, code, what }) => `${call} of ${what} failed: ${code}`,
});

type Koffi = typeof import('koffi');
type NativeFunction = ReturnType<ReturnType<Koffi['load']>['func']>;

let loaded: { readonly koffi: Koffi; readonly library: ReturnType<Koffi['load']> } | undefined;

function load(call: string): NonNullable<typeof loaded> {
  if (loaded === undefined) {
    if (process.platform !== 'linux') throw linuxError('LINUX_MISSING', { call, platform: process.platform });
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    loaded = { koffi, library: koffi.load(null) };
  }
  return loaded;
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

/** errno of the call that has just failed, by name (`EPERM`). Ask at once. */
export function lastErrno(): string {
  const { koffi } = load('errno');
  const number = koffi.errno();
  for (const [name, value] of Object.entries(koffi.os.errno)) if (value === number) return name;
  return `errno ${number}`;
}

/** Throws LINUX_CALL if a call returned -1; otherwise its result. */
export function checked(result: number, call: string, what: string): number {
  if (result < 0) throw linuxError('LINUX_CALL', { call, code: lastErrno(), what });
  return result;
}
