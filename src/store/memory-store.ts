import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ByteStream, hasherFor, streamOf, verify } from '../base/bytes.ts';
import { randomBytes } from '../base/random.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import { blobPath } from './blob-path.ts';
import {
  fromStart,
  type Lease,
  type LocalStore,
  type OpenOptions,
  type Root,
  type StagedFile,
} from './contract.ts';
import { storeError } from './errors.ts';
import { keyFile } from './keys.ts';
import { isManifest } from './manifest-links.ts';
import { markLive, missingByDamage } from './mark.ts';
import { nearestNames } from './nearest-names.ts';

const WHERE = 'the memory store';

/** A store in memory, gone with the process: for tests and for small images on their way. Staged files stand in the system's temporary folder. */
export function createMemoryStore(): LocalStore {
  const blobs = new Map<Digest, Buffer>();
  const names = new Map<string, Descriptor>();
  const leases = new Set<Map<string, Descriptor>>();
  const roots = new Map<string, Root>();
  const notes = new Map<string, Buffer>();

  const lookUp = (wanted: Descriptor): Buffer | undefined => {
    blobPath(wanted.digest);
    const found = blobs.get(wanted.digest);
    return found?.length === wanted.size ? found : undefined;
  };
  const protect = (blob: Descriptor): void => {
    // Under another media type the same bytes may refer to more.
    for (const lease of leases) lease.set(`${blob.digest} ${isManifest(blob)}`, blob);
  };
  const keep = (blob: Descriptor, bytes: Buffer): void => {
    protect(blob);
    blobs.set(blob.digest, bytes);
  };
  const unknownName = (name: string): Error =>
    storeError('STORE_NAME_UNKNOWN', { name, where: WHERE, nearest: nearestNames(names.keys(), name) });

  async function* open(wanted: Descriptor, o: OpenOptions = {}): ByteStream {
    o.signal?.throwIfAborted();
    const bytes = lookUp(wanted);
    if (bytes === undefined) throw storeError('STORE_NOT_FOUND', { digest: wanted.digest, where: WHERE });
    protect(wanted);
    const { range } = o;
    if (range === undefined) yield* verify(streamOf(bytes), wanted);
    else yield bytes.subarray(range.offset, range.offset + range.size);
  }

  const source = {
    read: (digest: Digest) => blobs.get(digest),
    has: (blob: Descriptor) => lookUp(blob) !== undefined,
  };
  const markAll = async () => {
    const leased = [...leases].flatMap((lease) => [...lease.values()]);
    return markLive([...leased, ...names.values()], [...roots.values()], source);
  };

  return {
    folder: undefined,
    open,
    async has(wanted, o = {}) {
      o.signal?.throwIfAborted();
      if (lookUp(wanted) === undefined) return false;
      protect(wanted);
      return true;
    },
    async put(expected, bytes, o = {}) {
      o.signal?.throwIfAborted();
      blobPath(expected.digest);
      protect(expected);
      if (lookUp(expected) !== undefined) {
        if (typeof bytes !== 'function') await bytes[Symbol.asyncIterator]().return?.();
        return;
      }
      const parts: Buffer[] = [];
      for await (const part of verify(fromStart(bytes), expected)) {
        o.signal?.throwIfAborted();
        parts.push(Buffer.from(part));
      }
      keep(expected, Buffer.concat(parts));
    },
    async ingest(bytes, mediaType, o = {}) {
      o.signal?.throwIfAborted();
      const parts: Buffer[] = [];
      for await (const part of bytes) {
        o.signal?.throwIfAborted();
        parts.push(Buffer.from(part));
      }
      const whole = Buffer.concat(parts);
      const digest = `sha256:${hasherFor('sha256:').update(whole).digest('hex')}` as const;
      const blob = { mediaType, digest, size: whole.length };
      keep(blob, whole);
      return blob;
    },
    async stage() {
      return stageInTemp(keep);
    },
    async locate(wanted) {
      blobPath(wanted.digest);
      return undefined;
    },
    async resolve(name, o = {}) {
      o.signal?.throwIfAborted();
      const found = names.get(name);
      if (found === undefined) throw unknownName(name);
      protect(found);
      return found;
    },
    async tag(name, target, o = {}) {
      o.signal?.throwIfAborted();
      if (lookUp(target) === undefined) {
        throw storeError('STORE_NOT_FOUND', { digest: target.digest, where: WHERE });
      }
      names.set(name, target);
    },
    async *list(o = {}) {
      o.signal?.throwIfAborted();
      yield* [...names].sort(([a], [b]) => (a < b ? -1 : 1));
    },
    async remove(name, o = {}) {
      o.signal?.throwIfAborted();
      if (!names.delete(name)) throw unknownName(name);
    },
    async lease(): Promise<Lease> {
      const lease = new Map<string, Descriptor>();
      leases.add(lease);
      return {
        async release() {
          leases.delete(lease);
        },
      };
    },
    async collect(o = {}) {
      o.signal?.throwIfAborted();
      const candidates = [...blobs].map(([digest, bytes]) => ({ digest, size: bytes.length }));
      const { live, deadRoots } = await markAll();
      // Nothing waits from here on: what was protected while marking is looked at once more.
      const leased = new Set([...leases].flatMap((lease) => [...lease.values()].map(({ digest }) => digest)));
      const dead = candidates.filter(({ digest }) => !live.has(digest) && !leased.has(digest));
      if (o.dryRun !== true) {
        for (const { digest } of dead) blobs.delete(digest);
        for (const { kind, id } of deadRoots) roots.delete(`${kind}/${id}`);
      }
      return { blobs: dead, bytes: dead.reduce((sum, { size }) => sum + size, 0) };
    },
    async *check() {
      for (const { blob } of missingByDamage((await markAll()).missing, source)) {
        yield { kind: 'missing', what: blob.mediaType, digest: blob.digest, repaired: false };
      }
    },
    roots: {
      async get(kind, id) {
        return roots.get(rootKey(kind, id));
      },
      async put(root) {
        roots.set(rootKey(root.kind, root.id), { ...root, usedAt: Date.now() });
      },
      async touch(kind, id) {
        const root = roots.get(rootKey(kind, id));
        if (root !== undefined) roots.set(rootKey(kind, id), { ...root, usedAt: Date.now() });
      },
      async *list(kind) {
        if (kind !== undefined) keyFile('kind of a root', kind);
        for (const [, root] of [...roots].sort(([a], [b]) => (a < b ? -1 : 1))) {
          if (kind === undefined || root.kind === kind) yield root;
        }
      },
      async remove(kind, id) {
        roots.delete(rootKey(kind, id));
      },
    },
    notes: {
      async get(kind, key) {
        const found = notes.get(noteKey(kind, key));
        return found === undefined ? undefined : Buffer.from(found);
      },
      async put(kind, key, bytes) {
        notes.set(noteKey(kind, key), Buffer.from(bytes));
      },
      async remove(kind, key) {
        notes.delete(noteKey(kind, key));
      },
      async *list(kind) {
        const start = `${keyFile('kind of a note', kind)}/`;
        for (const key of [...notes.keys()].sort()) {
          if (key.startsWith(start)) yield key.slice(start.length).replaceAll('+', ':');
        }
      },
      path(kind, key) {
        noteKey(kind, key);
        return undefined;
      },
    },
  };
}

function rootKey(kind: string, id: string): string {
  keyFile('kind of a root', kind);
  keyFile('id of a root', id);
  return `${kind}/${id}`;
}

function noteKey(kind: string, key: string): string {
  return `${keyFile('kind of a note', kind)}/${keyFile('key of a note', key)}`;
}

function stageInTemp(keep: (blob: Descriptor, bytes: Buffer) => void): StagedFile {
  const folder = mkdtempSync(join(tmpdir(), 'dobos-stage-'));
  const path = join(folder, randomBytes(4).toString('hex'));
  writeFileSync(path, '', { mode: 0o600, flag: 'wx' });
  const abort = async (): Promise<void> => rmSync(folder, { recursive: true, force: true });
  return {
    path,
    async commit(written) {
      blobPath(written.digest);
      try {
        const { size } = statSync(path);
        if (size !== written.size) {
          throw storeError('STORE_STAGED_SIZE', { digest: written.digest, want: written.size, got: size });
        }
        keep(written, readFileSync(path));
        return written;
      } finally {
        await abort();
      }
    },
    abort,
  };
}
