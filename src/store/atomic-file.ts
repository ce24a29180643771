import { closeSync, constants, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { ownerId } from './owner.ts';
import { removeFile } from './remove-file.ts';

/** A new file in `tmp/` of the store, open for writing, mode 0600. Its name tells whose it is. */
export interface TempFile {
  readonly path: string;
  readonly fd: number;
  /** Closes it; harmless when closed already. */
  close(): void;
}

/** Creates a file that nobody else has; the folder `tmp/` is made when missing. */
export function createTemp(folder: string): TempFile {
  const path = join(folder, 'tmp', `${ownerId()}.${randomName()}`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  return ownedTemp(
    path,
    withFolder(path, () => openSync(path, flags, 0o600)),
  );
}

/** Sixteen digits that nobody else has by chance; nobody has to be unable to guess them, and the generator for that takes a millisecond to start. */
function randomName(): string {
  const digits = (): string =>
    Math.floor(Math.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return digits() + digits();
}

/** A temporary file around an open descriptor, which it closes once. */
export function ownedTemp(path: string, fd: number): TempFile {
  let open = true;
  return {
    path,
    fd,
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** Removes a temporary file that did not become anything. */
export function discardTemp(temp: TempFile): void {
  temp.close();
  removeFile(temp.path);
}

/** The owner's id in the name of a temporary file or lease. */
export function ownerOf(name: string): string {
  return name.slice(0, name.lastIndexOf('.'));
}

export interface ReplaceOptions {
  /** Survives a power cut once this returns; without it a cut may lose the file, never halve what stood there before. */
  readonly durable: boolean;
  readonly onWritten?: (() => void) | undefined;
  readonly onRenamed?: (() => void) | undefined;
}

/** Puts `bytes` at `path` in one step: readers see the old file or the new one. */
export function replaceFile(
  folder: string,
  path: string,
  bytes: Uint8Array | string,
  o: ReplaceOptions,
): void {
  const temp = createTemp(folder);
  try {
    writeAll(temp.fd, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
    o.onWritten?.();
    if (o.durable) fsyncSync(temp.fd);
    temp.close();
    withFolder(path, () => renameSync(temp.path, path));
  } catch (error) {
    discardTemp(temp);
    throw error;
  }
  o.onRenamed?.();
  if (o.durable) syncFolder(dirname(path));
}

/** Writes everything: write(2) may stop early on a nearly full disk. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done);
}

/** Makes renames in a folder durable. Some file systems refuse to sync folders; there is nothing better to do on them. */
export function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } catch (error) {
    if (systemCode(error) !== 'EINVAL') throw error;
  } finally {
    closeSync(fd);
  }
}

/** Runs the write again after making the folder of `path`, if the folder was what it lacked. */
export function withFolder<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    makeFolder(dirname(path));
    return write();
  }
}

/** Makes a folder and the folders above it, mode 0700, so that they survive a power cut. (Node's recursive mkdir reports a read-only disk as ENOENT.) */
export function makeFolder(path: string): void {
  if (tryMakeFolder(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  if (!tryMakeFolder(path)) mkdirSync(path, { mode: 0o700 });
}

/** False if the folder above is missing. */
function tryMakeFolder(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    syncParent(path);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'EEXIST' && code !== 'ENOENT') throw error;
    return code === 'EEXIST';
  }
}

function syncParent(path: string): void {
  try {
    syncFolder(dirname(path));
  } catch (error) {
    // A folder that may be written but not read cannot be opened, so neither synced.
    if (systemCode(error) !== 'EACCES') throw error;
  }
}
