import {
  closeSync,
  ftruncateSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type ByteStream, bytesError, readRegion, verify } from '../base/bytes.ts';
import { mapLimited } from '../base/concurrency.ts';
import { isDobosError, never, systemCode } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import type { CallOptions } from '../base/options.ts';
import { randomBytes } from '../base/random.ts';
import { decompress } from '../compress/decompress.ts';
import { layerProblem } from '../layer/layer-problem.ts';
import { endOfArchive, padding } from '../tar/encoder.ts';
import type { ArchiveMember, ArchivePlan } from './archive-plan.ts';
import { copyInPool } from './copy-in-pool.ts';
import { algorithmOf } from './copy-region.ts';
import { imageError } from './errors.ts';

/** A plan, and what to do when it is written or given up. */
export interface OpenPlan {
  readonly plan: ArchivePlan;
  close(): Promise<void>;
}

/** The archive's bytes in chunks of up to 1 MiB, verified while read. @throws BYTES_MISMATCH, and errors of the store */
export async function* streamPlan(open: () => Promise<OpenPlan>, o: CallOptions): ByteStream {
  const { plan, close } = await open();
  try {
    for (const member of plan.members) {
      yield member.header;
      yield* contentOf(member, o);
      const rest = padding(member.size);
      if (rest > 0) yield Buffer.alloc(rest);
    }
    yield endOfArchive();
  } finally {
    await close();
  }
}

/**
 * The archive as a file of mode 0600, there under its name only when it is whole. Contents are copied and verified in worker threads, several at once. What is no regular file (a pipe, /dev/stdout) is written to as it is.
 * @throws ARCHIVE_WRITE, and as `streamPlan`
 */
export async function savePlan(open: () => Promise<OpenPlan>, path: string, o: CallOptions): Promise<void> {
  await saveFile(path, {
    whole: async (temp) => {
      const { plan, close } = await open();
      try {
        closeSync(openSync(fsPath(temp), 'wx', 0o600));
        await writePlan(plan, temp, o);
      } finally {
        await close();
      }
    },
    stream: () => streamPlan(open, o),
  });
}

/** Lets `whole` make the file under a temporary name beside `path` and renames it; what is no regular file gets the `stream`. @throws ARCHIVE_WRITE */
export async function saveFile(
  path: string,
  how: { readonly whole: (temp: string) => Promise<void>; readonly stream: () => ByteStream },
): Promise<void> {
  const target = targetOf(path);
  if (target === undefined) return saveThrough(path, how.stream());
  const temp = join(dirname(target), `.${basename(target).slice(0, 200)}.${randomBytes(6).toString('hex')}`);
  try {
    await how.whole(temp);
    renameSync(fsPath(temp), fsPath(target));
  } catch (error) {
    rmSync(fsPath(temp), { force: true });
    throw writeFailure(path, error);
  }
}

async function writePlan(plan: ArchivePlan, path: string, o: CallOptions): Promise<void> {
  const fd = openSync(fsPath(path), 'r+');
  try {
    // Paddings and the end of the archive are the holes that stay.
    ftruncateSync(fd, plan.size);
    for (const { header, start, content } of plan.members) {
      writeAt(fd, header, start);
      if (content.kind === 'bytes') writeAt(fd, content.bytes, start + header.length);
    }
    const large = plan.members.filter((member) => member.content.kind !== 'bytes');
    await mapLimited(large, availableParallelism(), (member) => copyMember(member, path, fd, o));
  } finally {
    closeSync(fd);
  }
}

/** Writes one member's content alone into a new file, verified. */
export async function saveMember(member: ArchiveMember, path: string, o: CallOptions): Promise<void> {
  const fd = openSync(fsPath(path), 'wx', 0o644);
  try {
    const { content } = member;
    if (content.kind === 'bytes') writeAt(fd, content.bytes, 0);
    else await copyMember({ ...member, start: -member.header.length }, path, fd, o);
  } finally {
    closeSync(fd);
  }
}

async function copyMember(member: ArchiveMember, path: string, fd: number, o: CallOptions): Promise<void> {
  const { content } = member;
  let offset = member.start + member.header.length;
  if (content.kind !== 'file') {
    for await (const chunk of contentOf(member, o)) {
      writeAt(fd, chunk, offset);
      offset += chunk.length;
    }
    return;
  }
  const by = algorithmOf(content.digest);
  const { digest, size } = await copyInPool(
    {
      from: content.region,
      to: { path, offset },
      limit: member.size,
      write: content.unpack ? 'plain' : 'stored',
      wantDiffId: false,
      digestBy: by,
      diffIdBy: by,
    },
    o,
  ).catch((error: unknown) => {
    throw layerProblem(error, content);
  });
  if (digest !== content.digest || size !== member.size) {
    const facts = { digest: content.digest, size: member.size, gotDigest: digest, gotSize: size };
    throw layerProblem(bytesError('BYTES_MISMATCH', facts), content);
  }
}

async function* contentOf({ content, size }: ArchiveMember, o: CallOptions): ByteStream {
  switch (content.kind) {
    case 'bytes':
      yield content.bytes;
      return;
    case 'file': {
      const bytes = readRegion(content.region, o);
      try {
        const { digest } = content;
        yield* verify(content.unpack ? decompress(bytes, undefined, o) : bytes, { digest, size });
      } catch (error) {
        throw layerProblem(error, content);
      }
      return;
    }
    case 'stream':
      yield* content.open();
      return;
    default:
      never(content);
  }
}

/** The file to replace, links followed; undefined for what cannot be replaced. */
function targetOf(path: string): string | undefined {
  try {
    if (/^\/(?:dev\/(?:std|fd\/)|proc\/)/.test(path)) return undefined;
    const found = lstatSync(fsPath(path), { throwIfNoEntry: false });
    if (found === undefined) return path;
    const real = realpathSync(path);
    const kind = lstatSync(fsPath(real));
    if (kind.isDirectory()) throw imageError('ARCHIVE_WRITE', { path, why: 'it is a directory' });
    return kind.isFile() ? real : undefined;
  } catch (error) {
    // A link to nothing is written through, as the shell does.
    if (systemCode(error) === 'ENOENT') return undefined;
    throw writeFailure(path, error);
  }
}

async function saveThrough(path: string, bytes: ByteStream): Promise<void> {
  let fd: number;
  try {
    fd = openSync(fsPath(path), 'w');
  } catch (error) {
    throw writeFailure(path, error);
  }
  try {
    for await (const chunk of bytes) writeAt(fd, chunk, null);
  } catch (error) {
    throw writeFailure(path, error);
  } finally {
    closeSync(fd);
  }
}

function writeAt(fd: number, bytes: Uint8Array, position: number | null): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(fd, bytes, at, bytes.length - at, position === null ? null : position + at);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'its directory is not a directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
};

function writeFailure(path: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined || isDobosError(error) || !Object.hasOwn(REASONS, code)) return error;
  return imageError('ARCHIVE_WRITE', { path, why: REASONS[code]! }, { cause: error });
}
