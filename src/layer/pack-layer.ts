import { createHash, hash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { systemCode } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import type { Digest } from '../oci/types.ts';
import { END_BYTES, encodeHeaderInto, padding } from '../tar/encoder.ts';
import type { TarHeader } from '../tar/header.ts';
import { layerError } from './errors.ts';
import { createIndexBuilder, isAccountPath, MAX_ACCOUNT_BYTES } from './index-builder.ts';
import { formatLayerIndex } from './layer-index-format.ts';
import { EMPTY_SHA256 } from './layer-indexer.ts';
import { directSink, type PackSink, threadedSink } from './pack-sink.ts';
import { createPlanChecker, type PlanRules } from './plan-checker.ts';
import { type PlanColumns, unpackPlan } from './plan-columns.ts';
import type { Content, PlannedEntry } from './types.ts';

/** The largest header of an entry: names and attributes at their limits in the tar room. */
const HEADER_ROOM = 64 * 1024;
/** Descriptors kept at once: an image has fewer layers, a process may have 1024. */
const MAX_OPEN = 128;

export interface PackedLayer {
  readonly diffId: Digest;
  /** Bytes of the tar. */
  readonly size: number;
  /** The layer's index, for `loadLayerIndex`. */
  readonly index: Buffer;
}

export interface PackTask {
  /** An empty file, or a pipe that somebody reads. */
  readonly path: string;
  readonly plan: readonly PlannedEntry[] | PlanColumns;
  readonly rules?: PlanRules | undefined;
  /** Worth a second thread, where this is none that must not wait. */
  readonly large?: boolean | undefined;
}

/** Packs the plan into the file at `path`. @throws as `packLayer` */
export function packFile({ path, plan, rules, large }: PackTask): PackedLayer {
  const fd = openSync(path, constants.O_WRONLY);
  const sink = large === true && !isMainThread ? threadedSink(fd) : directSink(fd);
  try {
    return packLayer('texts' in plan ? unpackPlan(plan) : plan, sink, rules);
  } finally {
    sink.close();
    closeSync(fd);
  }
}

/**
 * Writes the plan as a tar into the sink in one pass, synchronously: read, tar, hash, write. The bytes depend on the plan
 * and the files' content alone. Entries come in the order of the plan.
 * @throws LAYER_PLAN, LAYER_WHITEOUT_NAME, LAYER_FILE_CHANGED, LAYER_FILE_READ, and system errors of writing
 */
function packLayer(plan: Iterable<PlannedEntry>, sink: PackSink, rules: PlanRules = {}): PackedLayer {
  let out = sink.buffer;
  const builder = createIndexBuilder();
  const toHeader = createPlanChecker(rules);
  let filled = 0;
  let written = 0;
  const opened = new Map<string, number>();

  const flush = (): void => {
    if (filled === 0) return;
    sink.flush(filled);
    out = sink.buffer;
    written += filled;
    filled = 0;
  };
  const zeros = (count: number): void => {
    if (filled + count > out.length) flush();
    out.fill(0, filled, filled + count);
    filled += count;
  };
  const header = (fields: TarHeader): void => {
    if (filled + HEADER_ROOM > out.length) flush();
    let size = encodeHeaderInto(out, filled, fields);
    if (size === 0) {
      flush();
      size = encodeHeaderInto(out, 0, fields);
    }
    filled += size;
  };

  /** The content's sha256, when all `size` bytes are written. */
  const copyContent = (entry: PlannedEntry, content: Content, size: number): Uint8Array => {
    if (content.kind === 'bytes') return copyBytes(content.bytes);
    const { path } = content;
    const from = openContent(entry, content);
    try {
      const start = content.kind === 'region' ? content.offset : 0;
      // One byte more than planned is asked for, so that one read also tells that the file ends there.
      const extra = content.kind === 'disk' ? 1 : 0;
      const running = size + extra > out.length ? createHash('sha256') : undefined;
      if (running === undefined && filled + size + extra > out.length) flush();
      let done = 0;
      let begin = filled;
      while (true) {
        if (filled === out.length) {
          flush();
          begin = 0;
        }
        const want = Math.min(size + extra - done, out.length - filled);
        const got = readContent(entry, path, from, filled, want, start + done);
        done += got;
        if (done > size || (got === 0 && done < size)) {
          throw layerError('LAYER_FILE_CHANGED', { path: entry.path, file: path, want: size, got: done });
        }
        filled += got;
        if (running !== undefined) {
          running.update(out.subarray(begin, filled));
          begin = filled;
        }
        if (done === size && (got < want || got === 0 || extra === 0)) break;
      }
      return running?.digest() ?? hash('sha256', out.subarray(begin, filled), 'buffer');
    } finally {
      if (content.kind === 'disk') closeSync(from);
    }
  };

  const readContent = (
    entry: PlannedEntry,
    file: string,
    from: number,
    at: number,
    want: number,
    position: number,
  ) => {
    try {
      return readSync(from, out, at, want, position);
    } catch (error) {
      throw unreadable(entry, file, error);
    }
  };

  const copyBytes = (bytes: Uint8Array): Uint8Array => {
    for (let at = 0; at < bytes.length; ) {
      if (filled === out.length) flush();
      const take = Math.min(bytes.length - at, out.length - filled);
      out.set(bytes.subarray(at, at + take), filled);
      filled += take;
      at += take;
    }
    return hash('sha256', bytes, 'buffer');
  };

  const closeAll = (): void => {
    for (const each of opened.values()) closeSync(each);
    opened.clear();
  };

  /** Regions of a few tars come by the thousand, in turns: their descriptors are kept. */
  const openContent = (entry: PlannedEntry, content: Exclude<Content, { kind: 'bytes' }>): number => {
    const known = content.kind === 'region' ? opened.get(content.path) : undefined;
    if (known !== undefined) return known;
    // A pipe that took the file's place must not make this wait for a writer.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    let from: number;
    try {
      from = openSync(fsPath(content.path), flags);
    } catch (error) {
      throw unreadable(entry, content.path, error);
    }
    if (content.kind === 'region') {
      if (opened.size === MAX_OPEN) closeAll();
      opened.set(content.path, from);
    }
    return from;
  };

  try {
    for (const entry of plan) {
      const fields = toHeader(entry);
      header(fields);
      const { path, kind } = entry;
      const size = fields.size;
      const { uid, gid, mode, mtime, device, xattrs } = fields;
      const linkTo = kind === 'symlink' || kind === 'hardlink' ? fields.linkName : undefined;
      builder.add({
        path,
        kind,
        mode,
        uid,
        gid,
        seconds: mtime.seconds,
        nanos: mtime.nanos,
        size,
        offset: written + filled,
        linkTo,
        device,
        xattrs,
      });
      if (kind !== 'file') continue;
      const content = entry.content!;
      builder.setDigest(
        size === 0 && content.kind !== 'disk' ? EMPTY_SHA256 : copyContent(entry, content, size),
      );
      if (isAccountPath(path) && size <= MAX_ACCOUNT_BYTES) {
        builder.setAccount(
          path,
          content.kind === 'bytes' ? content.bytes : out.subarray(filled - size, filled),
        );
      }
      zeros(padding(size));
    }
    zeros(END_BYTES);
    flush();
  } finally {
    closeAll();
  }
  const diffId: Digest = `sha256:${sink.end()}`;
  return { diffId, size: written, index: formatLayerIndex(diffId, written, builder.columns()) };
}

function unreadable(entry: PlannedEntry, file: string, cause: unknown): Error {
  const code = systemCode(cause);
  const problem =
    code === 'ENOENT'
      ? 'it is gone'
      : code === 'EACCES'
        ? 'permission denied'
        : String((cause as Error).message);
  return layerError('LAYER_FILE_READ', { path: entry.path, file, problem }, { cause });
}
