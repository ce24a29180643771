import { encodeName, hasRawBytes } from '../base/names.ts';
import { checkField, encodeExtra } from './entry-extras.ts';
import { layerError } from './errors.ts';
import type { ContentPiece, EntryKind, Xattrs } from './types.ts';

/** Entries of one layer; an index of so many takes about 700 MB, no image has them. */
export const MAX_LAYER_ENTRIES = 5_000_000;
/** Bytes kept of /etc/passwd and /etc/group each; longer ones are left out. */
export const MAX_ACCOUNT_BYTES = 1024 * 1024;
/** The largest uid and gid: 2^32-1 means "leave unchanged" to the kernel. */
const MAX_ID = 0xffff_fffe;
/** Names, link targets and attributes of one layer, addressed by 32 bits. */
const MAX_TEXT_BYTES = 0xffff_ffff;

/** Kinds by the code that an index stores. */
export const ENTRY_KINDS: readonly EntryKind[] = [
  'file',
  'directory',
  'symlink',
  'hardlink',
  'character',
  'block',
  'fifo',
  'whiteout',
  'opaque',
];
/** The code of whiteouts; opaque markers have the next. */
export const KIND_WHITEOUT = 7;
const KIND_CODES = new Map(ENTRY_KINDS.map((kind, code) => [kind, code]));

/** One entry as the builder takes it. */
export interface NewEntry {
  readonly path: string;
  readonly kind: EntryKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly seconds: number;
  readonly nanos: number;
  readonly size: number;
  readonly offset: number;
  readonly linkTo?: string | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  readonly xattrs?: Xattrs | undefined;
  readonly pieces?: readonly ContentPiece[] | undefined;
}

/** The columns of an index, in tar order; the first `count` rows count. */
export interface IndexColumns {
  readonly count: number;
  readonly fileBytes: number;
  readonly kinds: Uint8Array;
  readonly modes: Uint16Array;
  readonly uids: Uint32Array;
  readonly gids: Uint32Array;
  readonly seconds: Float64Array;
  readonly nanos: Uint32Array;
  readonly sizes: Float64Array;
  readonly offsets: Float64Array;
  /** Ends of the rows' names in `names`. */
  readonly nameEnds: Uint32Array;
  readonly linkEnds: Uint32Array;
  /** 1 + row of `digests`, 0 for none. */
  readonly digestRows: Uint32Array;
  readonly names: Uint8Array;
  readonly links: Uint8Array;
  readonly digests: Uint8Array;
  /** Orders of the entries with a device or xattrs, ascending, and the ends of their rows in `extras`. */
  readonly extraOrders: Uint32Array;
  readonly extraEnds: Uint32Array;
  readonly extras: Uint8Array;
  /** Order + 1 and text of /etc/passwd and /etc/group. */
  readonly accountOrders: Uint32Array;
  readonly accountEnds: Uint32Array;
  readonly accounts: Uint8Array;
}

export interface IndexBuilder {
  /** The order of the entry. Paths are cleaned, whiteouts decoded. @throws LAYER_FIELD, LAYER_TOO_MANY_ENTRIES */
  add(entry: NewEntry): number;
  /** The sha256 (32 bytes) of the content of the entry added last. */
  setDigest(digest: Uint8Array): void;
  /** The text of `etc/passwd` or `etc/group`, the entry added last. */
  setAccount(path: string, text: Uint8Array): void;
  readonly count: number;
  columns(): IndexColumns;
}

/** True for the paths whose text the index keeps. */
export function isAccountPath(path: string): boolean {
  return path === 'etc/passwd' || path === 'etc/group';
}

/** Collects the entries of one layer into columns. Rows cost about 90 bytes and their names. */
export function createIndexBuilder(capacity = 1024): IndexBuilder {
  let room = capacity;
  let count = 0;
  let fileBytes = 0;
  let digestCount = 0;
  let kinds = new Uint8Array(room);
  let modes = new Uint16Array(room);
  let uids = new Uint32Array(room);
  let gids = new Uint32Array(room);
  let seconds = new Float64Array(room);
  let nanos = new Uint32Array(room);
  let sizes = new Float64Array(room);
  let offsets = new Float64Array(room);
  let nameEnds = new Uint32Array(room);
  let linkEnds = new Uint32Array(room);
  let digestRows = new Uint32Array(room);
  const names = createText();
  const links = createText();
  const extras = createText();
  const digests = createText();
  const extraOrders: number[] = [];
  const extraEnds: number[] = [];
  const accounts = new Map<string, { order: number; text: Uint8Array }>();

  const grow = (): void => {
    room *= 2;
    kinds = widen(kinds, new Uint8Array(room));
    modes = widen(modes, new Uint16Array(room));
    uids = widen(uids, new Uint32Array(room));
    gids = widen(gids, new Uint32Array(room));
    seconds = widen(seconds, new Float64Array(room));
    nanos = widen(nanos, new Uint32Array(room));
    sizes = widen(sizes, new Float64Array(room));
    offsets = widen(offsets, new Float64Array(room));
    nameEnds = widen(nameEnds, new Uint32Array(room));
    linkEnds = widen(linkEnds, new Uint32Array(room));
    digestRows = widen(digestRows, new Uint32Array(room));
  };

  return {
    get count() {
      return count;
    },
    add(entry) {
      if (count === room) grow();
      if (count === MAX_LAYER_ENTRIES)
        throw layerError('LAYER_TOO_MANY_ENTRIES', { limit: MAX_LAYER_ENTRIES });
      const order = count++;
      kinds[order] = KIND_CODES.get(entry.kind)!;
      modes[order] = entry.mode & 0o7777;
      uids[order] = checkField(entry.path, 'owner', entry.uid, MAX_ID);
      gids[order] = checkField(entry.path, 'group', entry.gid, MAX_ID);
      seconds[order] = entry.seconds;
      nanos[order] = entry.nanos;
      sizes[order] = entry.size;
      offsets[order] = entry.offset;
      nameEnds[order] = names.append(entry.path);
      linkEnds[order] = entry.linkTo === undefined ? links.length : links.append(entry.linkTo);
      if (entry.kind === 'file') fileBytes += entry.size;
      if (accounts.size > 0 && kinds[order]! < KIND_WHITEOUT) accounts.delete(entry.path);
      if (entry.device !== undefined || (entry.xattrs?.size ?? 0) > 0 || entry.pieces !== undefined) {
        extraOrders.push(order);
        extraEnds.push(extras.appendBytes(encodeExtra(entry)));
      }
      return order;
    },
    setDigest(digest) {
      digests.appendBytes(digest);
      digestRows[count - 1] = ++digestCount;
    },
    setAccount(path, text) {
      accounts.set(path, { order: count - 1, text: Uint8Array.from(text) });
    },
    columns() {
      const passwd = accounts.get('etc/passwd');
      const group = accounts.get('etc/group');
      const passwdText = passwd?.text ?? new Uint8Array(0);
      const groupText = group?.text ?? new Uint8Array(0);
      return {
        count,
        fileBytes,
        kinds: kinds.subarray(0, count),
        modes: modes.subarray(0, count),
        uids: uids.subarray(0, count),
        gids: gids.subarray(0, count),
        seconds: seconds.subarray(0, count),
        nanos: nanos.subarray(0, count),
        sizes: sizes.subarray(0, count),
        offsets: offsets.subarray(0, count),
        nameEnds: nameEnds.subarray(0, count),
        linkEnds: linkEnds.subarray(0, count),
        digestRows: digestRows.subarray(0, count),
        names: names.bytes(),
        links: links.bytes(),
        digests: digests.bytes(),
        extraOrders: Uint32Array.from(extraOrders),
        extraEnds: Uint32Array.from(extraEnds),
        extras: extras.bytes(),
        accountOrders: Uint32Array.of((passwd?.order ?? -1) + 1, (group?.order ?? -1) + 1),
        accountEnds: Uint32Array.of(passwdText.length, passwdText.length + groupText.length),
        accounts: Buffer.concat([passwdText, groupText]),
      };
    },
  };
}

function widen<T extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

function createText() {
  let buffer = Buffer.allocUnsafe(4096);
  let length = 0;
  const reserve = (more: number): void => {
    if (length + more > MAX_TEXT_BYTES)
      throw layerError('LAYER_TOO_MANY_ENTRIES', { limit: MAX_LAYER_ENTRIES });
    if (length + more <= buffer.length) return;
    const wider = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + more));
    buffer.copy(wider, 0, 0, length);
    buffer = wider;
  };
  return {
    get length() {
      return length;
    },
    append(text: string): number {
      if (hasRawBytes(text)) return this.appendBytes(encodeName(text));
      reserve(text.length * 3);
      length += buffer.write(text, length, 'utf8');
      return length;
    },
    appendBytes(bytes: Uint8Array): number {
      reserve(bytes.length);
      buffer.set(bytes, length);
      length += bytes.length;
      return length;
    },
    bytes: (): Uint8Array => buffer.subarray(0, length),
  };
}
