import { closeSync, fstatSync, openSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { Descriptor } from '../oci/types.ts';
import { replaceFile } from './atomic-file.ts';
import { readNames } from './blob-files.ts';
import { isDigest } from './blob-path.ts';
import type { Root, Roots } from './contract.ts';
import { isUnwritable, writeFailure } from './errors.ts';
import { fileKey, keyFile } from './keys.ts';
import { removeFile } from './remove-file.ts';
import type { OnWritePoint } from './write-points.ts';

const ENDING = '.json';

export interface RootFolder {
  readonly folder: string;
  readonly ensure: () => void;
  /** Runs `write` at a time when no collection can miss what the root keeps. */
  readonly guarded: (targets: readonly Descriptor[], o: CallOptions, write: () => void) => Promise<void>;
  readonly at: OnWritePoint;
}

/** Roots as files `roots/<kind>/<id>.json`, replaced in one step and synced. A file that is missing or broken reads as no root. */
export function createRoots({ folder, ensure, guarded, at }: RootFolder): Roots {
  const path = (kind: string, id: string): string => rootPath(folder, kind, id);

  return {
    async get(kind, id, o = {}) {
      o.signal?.throwIfAborted();
      return readRoot(path(kind, id), kind, id);
    },
    async put(root, o = {}) {
      const { kind, id, targets, data, onlyWith } = root;
      const target = path(kind, id);
      const text = JSON.stringify({ targets, data, onlyWith, usedAt: Date.now() });
      await guarded(targets, o, () => {
        try {
          ensure();
          replaceFile(folder, target, text, {
            durable: true,
            onWritten: () => at('root-written'),
            onRenamed: () => at('root-renamed'),
          });
        } catch (error) {
          throw writeFailure(error, folder, `writing ${kind} ${id}`);
        }
      });
    },
    async touch(kind, id) {
      const now = new Date();
      try {
        utimesSync(path(kind, id), now, now);
      } catch (error) {
        // The time is advice: a root that is gone or may not be written is no reason to fail.
        if (systemCode(error) !== 'ENOENT' && !isUnwritable(error)) throw error;
      }
    },
    async *list(kind, o = {}) {
      for (const { kind: found, id } of listRootFiles(folder, kind)) {
        o.signal?.throwIfAborted();
        const root = readRoot(path(found, id), found, id);
        if (root !== undefined) yield root;
      }
    },
    async remove(kind, id) {
      try {
        removeFile(path(kind, id));
      } catch (error) {
        throw writeFailure(error, folder, `removing ${kind} ${id}`);
      }
    },
  };
}

/** The file of a root. @throws STORE_BAD_KEY */
export function rootPath(folder: string, kind: string, id: string): string {
  return join(folder, 'roots', keyFile('kind of a root', kind), keyFile('id of a root', id) + ENDING);
}

/** All roots' kinds and ids (of one kind if given), sorted, whether their files can be read or not. */
export function* listRootFiles(
  folder: string,
  kind?: string,
): Generator<{ readonly kind: string; readonly id: string }> {
  const kinds = kind === undefined ? readNames(join(folder, 'roots')) : [keyFile('kind of a root', kind)];
  for (const kindFile of kinds) {
    for (const name of readNames(join(folder, 'roots', kindFile))) {
      const foundKind = fileKey(kindFile);
      const id = name.endsWith(ENDING) ? fileKey(name.slice(0, -ENDING.length)) : undefined;
      if (foundKind !== undefined && id !== undefined) yield { kind: foundKind, id };
    }
  }
}

/** The root in this file, or undefined if it is missing or broken. */
export function readRoot(path: string, kind: string, id: string): Root | undefined {
  const file = readWithTime(path);
  if (file === undefined) return undefined;
  try {
    const value = JSON.parse(file.text) as {
      targets?: unknown;
      data?: unknown;
      onlyWith?: unknown;
      usedAt?: unknown;
    };
    const { targets, data, onlyWith, usedAt } = value;
    if (!Array.isArray(targets) || !targets.every(isTarget)) return undefined;
    if (onlyWith !== undefined && !isDigest(onlyWith)) return undefined;
    const stored = typeof usedAt === 'number' ? usedAt : 0;
    return { kind, id, targets, data, onlyWith, usedAt: Math.max(stored, file.mtimeMs) };
  } catch {
    return undefined;
  }
}

function readWithTime(path: string): { readonly text: string; readonly mtimeMs: number } | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return { text: readFileSync(fd, 'utf8'), mtimeMs: Math.floor(fstatSync(fd).mtimeMs) };
  } finally {
    closeSync(fd);
  }
}

function isTarget(value: unknown): value is Descriptor {
  const { mediaType, digest, size } = (value ?? {}) as Record<string, unknown>;
  return typeof mediaType === 'string' && isDigest(digest) && typeof size === 'number' && size >= 0;
}
