import type { ByteStream } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import { findNode, treeParts } from '../layer/file-tree.ts';
import type { Inode } from '../layer/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { OpenExploration } from './explore-image.ts';
import { placesIn } from './places-in.ts';
import { readFiles } from './read-files.ts';

/** An entry of a layer. */
export interface FoundPath {
  /** As the layer has it. */
  readonly path: string;
  readonly kind: Inode['kind'];
  readonly size: number;
  readonly layer: number;
  readonly order: number;
  /** Undefined if the image shows it; a file that is hidden has the layer that hides it, anything else just is not there any more. */
  readonly hidden: { readonly by: number | undefined } | undefined;
}

/** Entries of all layers, base first, also hidden ones, whose path matches; directories that several layers list once each time. Cost: one pass over the indexes. */
export function* findPaths(
  { study, trees }: OpenExploration,
  matches: (path: string) => boolean,
): Generator<FoundPath> {
  const top = trees.at(-1);
  if (top === undefined) return;
  const { root } = treeParts(top);
  const placeOf = placesIn(top);
  for (const [layer, index] of study.indexes.entries()) {
    for (let order = 0; order < index.count; order++) {
      const kind = index.kindAt(order);
      if (kind === 'whiteout' || kind === 'opaque') continue;
      const path = index.pathAt(order);
      if (!matches(path)) continue;
      const number = study.numbers.bases[layer]! + order;
      const by = study.hiderOf(number);
      const node = findNode(root, placeOf(path));
      const shown = kind === 'hardlink' ? node !== undefined : isShown(node, number);
      const visible = kind === 'file' ? by === undefined : shown;
      yield { path, kind, size: index.sizeAt(order), layer, order, hidden: visible ? undefined : { by } };
    }
  }
}

const isShown = (node: ReturnType<typeof findNode>, number: number): boolean =>
  typeof node === 'object' ? node.id === number : node === number;

/** A line that holds the text. */
export interface FoundText extends FoundPath {
  /** From 1; undefined where the file is no text: then it is told once. */
  readonly line: number | undefined;
  /** As UTF-8, at most 500 characters around the match. */
  readonly text: string;
}

export interface GrepOptions extends CallOptions {
  readonly ignoreCase?: boolean | undefined;
}

/** Calls `tell` with each line, of the files given, that holds the text; each layer is read once, memory does not grow with files or lines. @throws as `readFiles` */
export async function grepFiles(
  exploration: OpenExploration,
  store: LocalStore,
  files: Iterable<FoundPath>,
  text: string,
  tell: (found: FoundText) => Promise<void>,
  o: GrepOptions = {},
): Promise<void> {
  const wanted = Buffer.from(o.ignoreCase === true ? lower(text) : text, 'utf8');
  const regular = function* (): Iterable<FoundPath> {
    for (const file of files) if (file.kind === 'file' && file.size >= wanted.length) yield file;
  };
  const each = (file: FoundPath, content: ByteStream) => grepFile(file, content, wanted, tell, o);
  await readFiles(exploration, store, regular(), each, o);
}

/** A file with a zero byte among its first is no text, as for grep. */
const HEAD_BYTES = 8192;
/** A longer line is looked through in pieces. */
const MAX_LINE_BYTES = 256 * 1024;
const SHOWN_CHARACTERS = 500;

async function grepFile(
  file: FoundPath,
  content: ByteStream,
  wanted: Buffer,
  tell: (found: FoundText) => Promise<void>,
  o: GrepOptions,
): Promise<void> {
  let line = 1;
  let carry: Buffer = Buffer.alloc(0);
  let isText: boolean | undefined;
  /** True if the file needs no more reading. */
  const search = async (bytes: Buffer): Promise<boolean> => {
    const where = o.ignoreCase === true ? lowerBytes(bytes) : bytes;
    let counted = 0;
    for (let at = where.indexOf(wanted); at >= 0; ) {
      if (isText === false) {
        await tell({ ...file, line: undefined, text: '' });
        return true;
      }
      const start = at === 0 ? 0 : bytes.lastIndexOf(0x0a, at - 1) + 1;
      const found = bytes.indexOf(0x0a, at + wanted.length);
      const end = found < 0 ? bytes.length : found;
      const from = Math.max(start, at - SHOWN_CHARACTERS / 2);
      const shown = bytes.subarray(from, Math.min(end, from + SHOWN_CHARACTERS)).toString('utf8');
      line += countLines(bytes, counted, start);
      counted = start;
      await tell({ ...file, line, text: shown });
      at = found < 0 ? -1 : where.indexOf(wanted, end);
    }
    line += countLines(bytes, counted, bytes.length);
    return false;
  };
  for await (const chunk of content) {
    o.signal?.throwIfAborted();
    const bytes = Buffer.concat([carry, chunk]);
    isText ??= !bytes.subarray(0, HEAD_BYTES).includes(0);
    const last = bytes.lastIndexOf(0x0a) + 1;
    // Whole lines are searched; of a line without an end only what a match could still begin in is kept.
    const cut =
      bytes.length - last <= MAX_LINE_BYTES && isText ? last : Math.max(0, bytes.length - wanted.length + 1);
    if (await search(bytes.subarray(0, cut))) return;
    carry = Buffer.from(bytes.subarray(cut));
  }
  await search(carry);
}

function countLines(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a, start); at >= 0 && at < end; at = bytes.indexOf(0x0a, at + 1)) count++;
  return count;
}

/** ASCII letters only: the length of the text stays. */
const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

function lowerBytes(bytes: Buffer): Buffer {
  const low = Buffer.from(bytes);
  for (let at = 0; at < low.length; at++) if (low[at]! >= 0x41 && low[at]! <= 0x5a) low[at]! |= 0x20;
  return low;
}
