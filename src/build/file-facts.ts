/**
 * What a COPY's key says about files: name, kind, mode, owner, size, link, content; never the time (spec build.md c.1).
 * The list behind a key is kept as a note, so that a miss can name the file and what about it changed.
 * @module
 */
import { createHash } from 'node:crypto';
import { encodeName } from '../base/names.ts';
import type { Notes } from '../store/contract.ts';
import type { ChangeMode } from './chmod.ts';
import type { SourceNode } from './context/file-source.ts';
import type { SelectedSource } from './context/select-files.ts';

export interface FileFacts {
  /** Hex; of all that follows. */
  readonly digest: string;
  /** Made when asked for. */
  readonly lines: () => readonly FactLine[];
}

/** One selected file: where it was taken from, kind, octal mode, owner (`` where it does not count), size, and content digest or link target. */
export type FactLine = readonly [
  from: string,
  kind: string,
  mode: string,
  owner: string,
  size: number,
  content: string,
];

export interface FactOptions {
  /** What `--chmod` does: only modes after it count. */
  readonly chmod?: ChangeMode | undefined;
  /** False under `--chown`. */
  readonly owners: boolean;
}

/** How a file differs from what it was. */
export interface FileChange {
  readonly path: string;
  readonly kind: 'new' | 'gone' | 'changed';
  /** `mode 0644 → 0755`, `owner 0:0 → 1:1`, `kind file → symlink`; undefined when the content changed. */
  readonly what: string | undefined;
}

/** UTF-16 units given to the hash at once. */
const HASHED_AT_ONCE = 64 * 1024;
const NOTE_KIND = 'copyfiles';
/** Larger lists are not kept: a miss then says only that files changed. */
const MAX_KEPT_LINES = 200_000;

/** The facts about a selection; every regular file must have its digest. Cost: about 1 µs a file. */
export function fileFacts(sources: readonly SelectedSource<SourceNode>[], o: FactOptions): FileFacts {
  const shared = sharedFiles(sources);
  const groups = new Map<string, number>();
  const hash = createHash('sha256');
  // As bytes, not as UTF-8 text: names that are no text must not all look alike.
  // No name and no field holds a NUL: what is joined by it cannot be read in two ways.
  let waiting = '';
  const add = (text: string): void => {
    waiting += `${text}\0\n\0`;
    if (waiting.length < HASHED_AT_ONCE) return;
    hash.update(encodeName(waiting));
    waiting = '';
  };
  for (const source of sources) {
    add(`source\0${source.files[0]?.node.kind === 'directory' ? '' : source.name}`);
    for (const { name, from, node } of source.files) {
      const { kind, size, identity } = node;
      const mode = kind === 'symlink' ? '' : modeOf(node, o);
      const group = identity !== undefined && shared.has(identity) ? groupOf(groups, identity) : '';
      const owner = o.owners ? `${node.uid}:${node.gid}` : '';
      add(
        `${name}\0${kind}\0${mode}\0${owner}\0${size}\0${contentOf(from, node)}\0${group}\0${xattrText(node)}`,
      );
    }
  }
  const digest = hash.update(encodeName(waiting)).digest('hex');
  return { digest, lines: () => linesOf(sources, o) };
}

function linesOf(sources: readonly SelectedSource<SourceNode>[], o: FactOptions): FactLine[] {
  return sources.flatMap(({ files }) =>
    files.map(({ from, node }): FactLine => {
      const mode = modeOf(node, o).toString(8).padStart(4, '0');
      const owner = o.owners ? `${node.uid}:${node.gid}` : '';
      return [from, node.kind, mode, owner, node.size, contentOf(from, node)];
    }),
  );
}

function modeOf(node: SourceNode, { chmod }: FactOptions): number {
  return chmod === undefined ? node.mode : chmod(node.mode, node.kind === 'directory');
}

function contentOf(from: string, node: SourceNode): string {
  if (node.kind !== 'file') return node.linkTo ?? node.digest ?? deviceText(node);
  if (node.digest === undefined) throw new TypeError(`${from} was not hashed`);
  return node.digest;
}

/** Identities of regular files that are selected under several names. */
function sharedFiles(sources: readonly SelectedSource<SourceNode>[]): ReadonlySet<string> {
  const once = new Set<string>();
  const shared = new Set<string>();
  for (const { files } of sources) {
    for (const { node } of files) {
      if (node.identity === undefined || node.kind !== 'file') continue;
      if (once.has(node.identity)) shared.add(node.identity);
      once.add(node.identity);
    }
  }
  return shared;
}

/** Keeps the list under the facts' digest. */
export async function keepFacts(notes: Notes, facts: FileFacts): Promise<void> {
  const lines = facts.lines();
  if (lines.length === 0 || lines.length > MAX_KEPT_LINES) return;
  await notes.put(NOTE_KIND, facts.digest, Buffer.from(JSON.stringify(lines)));
}

/** How the files differ from those kept under the digest `before`; undefined when that list is not there. */
export async function compareFacts(
  notes: Notes,
  before: string,
  now: FileFacts,
): Promise<FileChange[] | undefined> {
  const bytes = await notes.get(NOTE_KIND, before);
  const lines = bytes === undefined ? undefined : parseLines(bytes);
  if (lines === undefined) return undefined;
  const old = new Map(lines.map((line) => [line[0], line]));
  const changes: FileChange[] = [];
  const seen = new Set<string>();
  for (const line of now.lines()) {
    // Two sources may select the same file.
    if (seen.has(line[0])) continue;
    seen.add(line[0]);
    const was = old.get(line[0]);
    if (was === undefined) changes.push({ path: line[0], kind: 'new', what: undefined });
    else {
      const what = difference(was, line);
      if (what !== undefined)
        changes.push({ path: line[0], kind: 'changed', what: what === '' ? undefined : what });
    }
  }
  for (const path of old.keys()) if (!seen.has(path)) changes.push({ path, kind: 'gone', what: undefined });
  return changes;
}

/** Undefined if equal, '' if the content differs. */
function difference(was: FactLine, now: FactLine): string | undefined {
  const [, kind, mode, owner, size, content] = now;
  const [, oldKind, oldMode, oldOwner, oldSize, oldContent] = was;
  if (kind !== oldKind) return `kind ${oldKind} → ${kind}`;
  if (content !== oldContent || size !== oldSize) {
    return kind === 'symlink' ? `link ${oldContent} → ${content}` : '';
  }
  if (mode !== oldMode) return `mode ${oldMode} → ${mode}`;
  if (owner !== oldOwner && owner !== '' && oldOwner !== '') return `owner ${oldOwner} → ${owner}`;
  return undefined;
}

/** Numbers files with several names in order of their first: inodes differ between machines. */
function groupOf(groups: Map<string, number>, identity: string): number {
  const known = groups.get(identity) ?? groups.size + 1;
  groups.set(identity, known);
  return known;
}

function deviceText(node: SourceNode): string {
  return node.device === undefined ? '' : `${node.device.major}:${node.device.minor}`;
}

function xattrText(node: SourceNode): string {
  if (node.xattrs === undefined || node.xattrs.size === 0) return '';
  const pairs = [...node.xattrs].map(([name, value]) => [name, Buffer.from(value).toString('base64')]);
  return JSON.stringify(pairs.sort(([a], [b]) => (a! < b! ? -1 : 1)));
}

function parseLines(bytes: Buffer): readonly FactLine[] | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    const isLine = (line: unknown): line is FactLine => Array.isArray(line) && typeof line[0] === 'string';
    return Array.isArray(value) && value.every(isLine) ? value : undefined;
  } catch {
    return undefined;
  }
}
