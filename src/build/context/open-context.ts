/**
 * The build context: a folder read in place, and of it only what some COPY can select.
 * @module
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { sha256 } from '../../base/bytes.ts';
import { isDobosError, systemCode } from '../../base/errors.ts';
import type { CallOptions } from '../../base/options.ts';
import { createPool, type Pool } from '../../base/pool.ts';
import type { Notes } from '../../store/contract.ts';
import { buildError } from '../errors.ts';
import type { ContextAnswer, ContextTask } from './context-tasks.ts';
import type { DiskNode, Stamp } from './disk-source.ts';
import { addCapabilities } from './file-capabilities.ts';
import type { FileToHash, HashedFile } from './hash-files.ts';
import type { NotInContext, Scan, ScanTask } from './scan-context.ts';
import type { SelectedFile, SelectedSource } from './select-files.ts';
import type { SelectOptions } from './select-sources.ts';
import { formatStatIndex, isRacy, parseStatIndex, type StatIndex, type StatRow } from './stat-index.ts';

export interface ContextOptions {
  /** Text of the .dockerignore. */
  readonly ignoreText?: string | undefined;
  /** Where the index of known contents is kept between builds (`context/<sha256 of the folder>`). */
  readonly notes?: Notes | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Files looked at on this thread before a worker takes over. */
  readonly inlineFiles?: number | undefined;
}

export interface ContextSelection {
  /** Regular files whose content is known have their digest. */
  readonly sources: readonly SelectedSource<DiskNode>[];
  readonly missing?: NotInContext | undefined;
  readonly ignored: number;
  /** When the files were looked at, in nanoseconds of the epoch. */
  readonly atNs: number;
}

export interface Context {
  /** Absolute. */
  readonly folder: string;
  /** The files that these sources of one COPY select. Cost: about 3 µs a file. */
  list(sources: readonly string[], o?: CallOptions & SelectOptions): Promise<ContextSelection>;
  /** The same with every regular file's digest. Cost: 10 µs a file and 1 ms a megabyte of those not known. */
  hash(selection: ContextSelection, o?: CallOptions): Promise<ContextSelection>;
  /** The same with digests (hex, by path in the context) of contents that somebody else read after `list`; they are remembered. */
  learn(selection: ContextSelection, digests: ReadonlyMap<string, string>): ContextSelection;
  /** Remembers what was hashed, if anything was; ends the threads. */
  close(): Promise<void>;
}

/** Looked at on this thread: half a second of a warm folder. A worker takes half as long again and twice the memory, as what it found has to cross. */
const MAX_INLINE_FILES = 150_000;
/** Hashed on this thread: 30 ms of either. */
const MAX_INLINE_HASHES = 2_000;
const MAX_INLINE_BYTES = 32 * 1024 * 1024;
/** Each costs 20 MB; two read as fast as most disks give. */
const MAX_THREADS = 2;
/** Files in one task of a hashing thread. */
const HASH_BATCH = 2_000;
const HASH_BATCH_BYTES = 64 * 1024 * 1024;
/** Rows of files not seen in this build are kept up to so many times those seen. */
const KEEP_UNSEEN = 4;
const KEEP_UNSEEN_LEAST = 4096;

/** The folder as a context; nothing below it is read before something is selected. @throws BUILD_CONTEXT_NOT_FOLDER */
export function openContext(folder: string, o: ContextOptions): Context {
  const root = resolve(folder);
  if (!isFolder(root)) throw buildError('BUILD_CONTEXT_NOT_FOLDER', { path: folder });
  const key = sha256(root).slice('sha256:'.length);
  let pool: Pool<ContextTask, ContextAnswer> | undefined;
  let known: Promise<StatIndex> | undefined;
  /** What this build saw, once something had to be hashed. */
  const rows: StatRow[] = [];

  const threads = (): Pool<ContextTask, ContextAnswer> => {
    pool ??= createPool(new URL('./context-worker.ts', import.meta.url), MAX_THREADS);
    return pool;
  };
  /** Their memory is wanted elsewhere, and whoever needs them again waits 15 ms. */
  const endThreads = async (): Promise<void> => {
    const idle = pool;
    pool = undefined;
    await idle?.close();
  };
  const index = (): Promise<StatIndex> => {
    known ??= Promise.resolve(o.notes?.get('context', key)).then(parseStatIndex);
    return known;
  };

  const scan = async (sources: readonly string[], options: CallOptions & SelectOptions): Promise<Scan> => {
    const { scanContext } = await import('./scan-context.ts');
    const { exclude, parents } = options;
    const task: ScanTask = { folder: root, ignoreText: o.ignoreText, sources, flags: { exclude, parents } };
    const found = await index();
    const inline = scanContext(task, found, o.inlineFiles ?? MAX_INLINE_FILES);
    if (inline !== undefined) return inline;
    const { unpackScan } = await import('./context-tasks.ts');
    const indexPath = o.notes?.path('context', key);
    const answer = await threads().run({ kind: 'scan', scan: task, indexPath }, options);
    if (answer.kind !== 'scan') throw new TypeError('a scan was answered with something else');
    await endThreads();
    return unpackScan(answer.packed);
  };

  const hash = async (files: readonly FileToHash[], options: CallOptions): Promise<HashedFile[]> => {
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    if (files.length <= MAX_INLINE_HASHES && bytes <= MAX_INLINE_BYTES) {
      const { hashFiles } = await import('./hash-files.ts');
      return hashFiles(root, files);
    }
    const answers = await Promise.all(
      batchesOf(files).map((batch) => threads().run({ kind: 'hash', folder: root, files: batch }, options)),
    );
    await endThreads();
    return answers.flatMap((answer) => (answer.kind === 'hash' ? answer.hashed : []));
  };

  const learn = (
    selection: ContextSelection,
    digests: ReadonlyMap<string, string>,
    moving: ReadonlySet<string>,
  ): ContextSelection => {
    const sources = selection.sources.map((source) => withDigests(source, digests));
    // All that is known is written again, so that the index forgets what is gone.
    for (const { files } of sources) {
      for (const { from, node } of files) {
        if (!hasDigest(node) || moving.has(from) || isRacy(node, selection.atNs)) continue;
        // Remembered files are not asked for capabilities again.
        if (node.xattrs === undefined) rows.push(node);
      }
    }
    return { ...selection, sources };
  };

  return {
    folder: root,
    async list(sources, options = {}) {
      const atNs = o.now() * 1e6;
      const found = await scan(sources, options);
      return { ...found, sources: await addCapabilities(root, found.sources), atNs };
    },
    async hash(selection, options = {}) {
      const unknown = unknownFiles(selection);
      if (unknown.length === 0) return selection;
      options.signal?.throwIfAborted();
      const hashed = await hash(
        unknown.map(({ from, node }) => ({ from, ...stampOf(node) })),
        options,
      );
      const digests = new Map(unknown.map(({ from }, i) => [from, hashed[i]!.digest]));
      const moving = new Set(unknown.filter((_, i) => !hashed[i]!.steady).map(({ from }) => from));
      return learn(selection, digests, moving);
    },
    learn: (selection, digests) => learn(selection, digests, new Set()),
    async close() {
      await endThreads();
      if (o.notes === undefined || rows.length === 0) return;
      const old = await index();
      const keepOld = old.count <= Math.max(KEEP_UNSEEN_LEAST, rows.length * KEEP_UNSEEN);
      const bytes = formatStatIndex(rows, keepOld ? old : undefined);
      try {
        await o.notes.put('context', key, bytes);
      } catch (error) {
        // A store that may not be written loses time only.
        if (!isDobosError(error) || !error.code.startsWith('STORE_')) throw error;
      }
    },
  };
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: Stamp): Stamp {
  return { dev, ino, size, mtimeNs, ctimeNs };
}

const hasDigest = (node: DiskNode): node is DiskNode & StatRow => node.digest !== undefined;

function withDigests(
  source: SelectedSource<DiskNode>,
  digests: ReadonlyMap<string, string>,
): SelectedSource<DiskNode> {
  const files = source.files.map((file) => {
    const digest = file.node.kind === 'file' ? digests.get(file.from) : undefined;
    return digest === undefined || digest === file.node.digest
      ? file
      : { ...file, node: { ...file.node, digest } };
  });
  return { ...source, files };
}

/** Regular files of the selection without a digest. */
export function unknownFiles({ sources }: Pick<ContextSelection, 'sources'>): SelectedFile<DiskNode>[] {
  return sources.flatMap(({ files }) =>
    files.filter(({ node }) => node.kind === 'file' && node.digest === undefined),
  );
}

function batchesOf(files: readonly FileToHash[]): FileToHash[][] {
  const batches: FileToHash[][] = [];
  let batch: FileToHash[] = [];
  let bytes = 0;
  for (const file of files) {
    if (batch.length === HASH_BATCH || (batch.length > 0 && bytes + file.size > HASH_BATCH_BYTES)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(file);
    bytes += file.size;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}
