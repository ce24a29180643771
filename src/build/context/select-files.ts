import { hasGlob } from '../../dockerfile/glob.ts';
import { suggest } from '../../dockerfile/suggest.ts';
import type { FileSource, SourceNode } from './file-source.ts';
import { clampPath, followLinks } from './file-source.ts';

/** One file, folder or link that a COPY takes. */
export interface SelectedFile<N extends SourceNode = SourceNode> {
  /** Below the source: '' for the source itself, `sub/x` inside a folder. */
  readonly name: string;
  /** Where it is in the place copied from, symlinks followed. */
  readonly from: string;
  readonly node: N;
}

/** What one source of a COPY stands for: a file, or a folder with everything in it. */
export interface SelectedSource<N extends SourceNode = SourceNode> {
  /** The name that it gets inside a destination directory; '' for a root. */
  readonly name: string;
  /** The source itself first, then what is below it, depth first, parents before children, siblings sorted. */
  readonly files: readonly SelectedFile<N>[];
}

/** Why a source is not there. */
export interface MissingSource {
  readonly path: string;
  /** A path that exists and is spelled much like it; the path itself where the place was asked without its rules. */
  readonly near: string | undefined;
  /** Where the symlink points that leads nowhere. */
  readonly broken: string | undefined;
}

export interface Selection<N extends SourceNode = SourceNode> {
  readonly sources: readonly SelectedSource<N>[];
  /** The first literal source that is not there, cleaned; then `sources` says nothing. `describeMissing` says more. */
  readonly missing?: string | undefined;
}

/** A place whose nodes are of one type. */
export interface TypedSource<N extends SourceNode> extends FileSource {
  get(path: string): N | undefined;
  children(path: string): Iterable<readonly [name: string, node: N]>;
}

/** Matches one component of a path against a pattern. */
export type MatchName = (pattern: string, name: string) => boolean;

/** What `--exclude` leaves out; paths are relative to the source, a file's own is its name. */
export interface Excludes {
  readonly excludes: (path: string) => boolean;
  /** False if nothing below this excluded directory can be let in again. */
  readonly mayReinclude: (folder: string) => boolean;
}

/**
 * The files that the sources of a COPY select (Dockerfile reference, COPY): patterns expanded per component, a source that
 * is a symlink followed inside the place, links inside a folder kept as links. A pattern that matches nothing selects nothing.
 */
export function selectFiles<N extends SourceNode>(
  place: TypedSource<N>,
  sources: readonly string[],
  matches: MatchName,
  exclude?: Excludes,
): Selection<N> {
  const selected: SelectedSource<N>[] = [];
  for (const written of sources) {
    const path = clampPath(written);
    const found = hasGlob(path) ? expandPattern(place, path, matches) : [path];
    for (const match of found) {
      const source = selectOne(place, match, exclude);
      if (source === undefined) return { sources: [], missing: match };
      selected.push(source);
    }
  }
  return { sources: selected };
}

/** A file that is excluded is a source without files: it is there, and nothing of it is taken. */
function selectOne<N extends SourceNode>(
  place: TypedSource<N>,
  path: string,
  exclude: Excludes | undefined,
): SelectedSource<N> | undefined {
  const real = followLinks(place, path);
  const node = real === undefined ? undefined : place.get(real);
  if (real === undefined || node === undefined) return undefined;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const files: SelectedFile<N>[] = [{ name: '', from: real, node }];
  if (node.kind === 'directory') addBelow(place, real, '', files, exclude);
  else if (exclude?.excludes(name) === true) return { name, files: [] };
  if (node.provisional === true && files.length === 1) return undefined;
  return { name, files };
}

/** Adds what is below the directory `from`, named `name` in the source, depth first, siblings sorted. */
export function addBelow<N extends SourceNode>(
  place: TypedSource<N>,
  from: string,
  name: string,
  files: SelectedFile<N>[],
  exclude?: Excludes,
): void {
  for (const [child, node] of place.children(from)) {
    const childFrom = from === '' ? child : `${from}/${child}`;
    const childName = name === '' ? child : `${name}/${child}`;
    const excluded = exclude?.excludes(childName) === true;
    if (excluded && (node.kind !== 'directory' || !exclude.mayReinclude(childName))) continue;
    files.push({ name: childName, from: childFrom, node });
    if (node.kind !== 'directory') continue;
    const before = files.length;
    addBelow(place, childFrom, childName, files, exclude);
    if ((node.provisional === true || excluded) && files.length === before) files.pop();
  }
}

/** Existing paths that match, sorted. Folders on the way may be symlinks, as in a shell. */
export function expandPattern<N extends SourceNode>(
  place: TypedSource<N>,
  pattern: string,
  matches: MatchName,
): string[] {
  let found = [''];
  for (const component of pattern.split('/')) {
    const next: string[] = [];
    for (const folder of found) {
      const real = followLinks(place, folder);
      if (real === undefined) continue;
      const join = (name: string): string => (folder === '' ? name : `${folder}/${name}`);
      if (!hasGlob(component)) {
        if (place.get(real === '' ? component : `${real}/${component}`) !== undefined)
          next.push(join(component));
        continue;
      }
      for (const [name, node] of place.children(real)) {
        if (matches(component, name) && !isEmptyProvisional(place, real, name, node)) next.push(join(name));
      }
    }
    found = next;
  }
  return found.sort((a, b) => (a < b ? -1 : 1));
}

function isEmptyProvisional<N extends SourceNode>(
  place: TypedSource<N>,
  folder: string,
  name: string,
  node: N,
): boolean {
  if (node.provisional !== true) return false;
  const below: SelectedFile<N>[] = [];
  addBelow(place, folder === '' ? name : `${folder}/${name}`, '', below);
  return below.length === 0;
}

/** What the place has instead of a path that is not there. */
export function describeMissing(place: FileSource, path: string): MissingSource {
  const there = place.get(path);
  if (there?.kind === 'symlink' && followLinks(place, path) === undefined)
    return { path, near: undefined, broken: there.linkTo };
  if (there !== undefined) return { path, near: path, broken: undefined };
  const components = path.split('/');
  const wanted = components.pop() ?? '';
  const folder = followLinks(place, components.join('/'));
  if (folder === undefined) {
    const parent = components.length === 0 ? undefined : describeMissing(place, components.join('/'));
    return {
      path,
      near: parent?.near === undefined ? undefined : `${parent.near}/${wanted}`,
      broken: undefined,
    };
  }
  const names = [...place.children(folder)].map(([name]) => name);
  const near = suggest(wanted, names);
  return {
    path,
    near: near === undefined ? undefined : [...components, near].join('/'),
    broken: undefined,
  };
}
