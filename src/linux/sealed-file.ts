import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { fsPath } from '../base/names.ts';
import { bindCall, checked } from './libc.ts';

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
/** F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE of fcntl(2): its bytes never change again. */
const ALL_SEALS = 0xf;
const CHUNK_BYTES = 1024 * 1024;

const memfdCall = bindCall<number, [string, number]>(
  'int memfd_create(const char *name, unsigned int flags)',
);
const fcntlCall = bindCall<number, [number, number, number]>('int fcntl(int fd, int command, int argument)');

/** A descriptor of a copy in memory that nobody can change, as memfd_create(2) makes. Cost: 1 ms per 5 MB. @throws LINUX_CALL, and system errors of reading */
export function sealedCopy(path: string): number {
  const from = openSync(fsPath(path), 'r');
  let copy: number | undefined;
  try {
    copy = checked(memfdCall('sealed', MFD_CLOEXEC | MFD_ALLOW_SEALING), 'memfd_create', path);
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (let got = readSync(from, chunk); got > 0; got = readSync(from, chunk)) {
      for (let at = 0; at < got; ) at += writeSync(copy, chunk, at, got - at);
    }
    checked(fcntlCall(copy, F_ADD_SEALS, ALL_SEALS), 'fcntl', path);
    return copy;
  } catch (error) {
    if (copy !== undefined) closeSync(copy);
    throw error;
  } finally {
    closeSync(from);
  }
}

/** A descriptor of a file in memory with these bytes, read from its beginning; it has no name and goes with its last descriptor. @throws LINUX_CALL */
export function memoryFile(bytes: Uint8Array): number {
  const fd = checked(memfdCall('memory', MFD_CLOEXEC), 'memfd_create', 'a file in memory');
  // By position: whoever gets the descriptor starts at 0.
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at);
  return fd;
}
