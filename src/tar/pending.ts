import type { DraftHeader } from './block.ts';
import { tarError } from './errors.ts';
import {
  addPaxRecords,
  applyExtensions,
  createExtensions,
  type Extensions,
  type SparseRecords,
} from './extensions.ts';
import { readText } from './fields.ts';
import { MAX_GLOBAL_BYTES, MAX_GLOBAL_XATTRS, MAX_NAME_BYTES, MAX_PAX_BYTES } from './limits.ts';

/** Extension headers that wait for their entry, and the global ones. */
export interface Pending {
  /** Extension headers were seen and their entry was not. */
  readonly any: boolean;
  /** All bytes of the extension header begun last are taken. */
  readonly complete: boolean;
  /** Begins an extension header that has `size` bytes. @throws TAR_LIMIT */
  begin(flag: number, size: number, offset: number): void;
  /** Takes the next of its bytes, from `at` on; returns how many. */
  take(bytes: Buffer, at: number): number;
  /** Reads the complete extension header. @throws TAR_BAD_HEADER, TAR_LIMIT */
  finish(): void;
  /** Applies all that wait to their entry, and forgets them; what they say of a sparse file is returned. */
  apply(entry: DraftHeader): SparseRecords | undefined;
}

const GLOBAL = 0x67; // 'g'
const LONG_NAME = 0x4c; // 'L'
const LONG_LINK = 0x4b; // 'K'

/** True for the type flags of extension headers: x and (Solaris) X per entry, g global, L and K the long names of GNU. */
export function isExtension(flag: number): boolean {
  return flag === 0x78 || flag === 0x58 || flag === GLOBAL || flag === LONG_NAME || flag === LONG_LINK;
}

/** An empty collection. Of several pax headers before one entry the last wins, and a GNU long name wins over pax: as in Go. */
export function createPending(globalsMode: 'apply' | 'ignore'): Pending {
  let globals: Extensions | undefined;
  let extensions: Extensions | undefined;
  let longName: string | undefined;
  let longLink: string | undefined;
  let any = false;

  let flag = 0;
  let offset = 0;
  let bytes = Buffer.alloc(0);
  let filled = 0;

  const addGlobals = (): void => {
    globals = createExtensions(globals);
    addPaxRecords(globals, bytes, offset);
    globals.sparse = undefined;
    const got = globals.xattrs?.size ?? 0;
    if (got > MAX_GLOBAL_XATTRS) {
      throw tarError('TAR_LIMIT', {
        offset,
        what: 'global extended attributes:',
        got,
        limit: MAX_GLOBAL_XATTRS,
      });
    }
  };

  return {
    get any() {
      return any;
    },
    get complete() {
      return filled === bytes.length;
    },
    begin(newFlag, size, newOffset) {
      flag = newFlag;
      offset = newOffset;
      filled = 0;
      any ||= flag !== GLOBAL;
      const limit = limitOf(flag);
      if (size > limit) {
        throw tarError('TAR_LIMIT', { offset, what: 'bytes of an extension header:', got: size, limit });
      }
      bytes = Buffer.allocUnsafe(size);
    },
    take(from, at) {
      const taken = from.copy(bytes, filled, at, Math.min(from.length, at + bytes.length - filled));
      filled += taken;
      return taken;
    },
    finish() {
      if (flag === LONG_NAME) longName = readText(bytes, 0, bytes.length);
      else if (flag === LONG_LINK) longLink = readText(bytes, 0, bytes.length);
      else if (flag !== GLOBAL) {
        extensions = createExtensions(globals);
        addPaxRecords(extensions, bytes, offset);
      } else if (globalsMode === 'apply') addGlobals();
    },
    apply(entry) {
      const known = extensions ?? globals;
      if (known !== undefined) applyExtensions(entry, known);
      if (!any) return undefined;
      if (longName !== undefined) entry.name = longName;
      if (longLink !== undefined && (entry.kind === 'symlink' || entry.kind === 'hardlink')) {
        entry.linkName = longLink;
      }
      const sparse = extensions?.sparse;
      extensions = undefined;
      longName = undefined;
      longLink = undefined;
      any = false;
      return sparse;
    },
  };
}

function limitOf(flag: number): number {
  if (flag === GLOBAL) return MAX_GLOBAL_BYTES;
  return flag === LONG_NAME || flag === LONG_LINK ? MAX_NAME_BYTES : MAX_PAX_BYTES;
}
