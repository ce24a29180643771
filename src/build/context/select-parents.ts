import { hasGlob } from '../../dockerfile/glob.ts';
import { clampPath, followLinks, type SourceNode } from './file-source.ts';
import {
  addBelow,
  type Excludes,
  expandPattern,
  type MatchName,
  type SelectedFile,
  type SelectedSource,
  type Selection,
  type TypedSource,
} from './select-files.ts';

/**
 * The files that `COPY --parents` selects (Dockerfile reference, COPY --parents): each source is the folder before its first
 * `/./`, or the root, with what matches behind it and the folders on the way. `**` stands for any number of folders. Links
 * are taken as links. A pattern that matches nothing selects the bare folder.
 */
export function selectParents<N extends SourceNode>(
  place: TypedSource<N>,
  sources: readonly string[],
  matches: MatchName,
  exclude?: Excludes,
): Selection<N> {
  const selected: SelectedSource<N>[] = [];
  for (const written of sources) {
    const cut = written.indexOf('/./');
    const pivot = clampPath(cut < 0 ? '' : written.slice(0, cut));
    const pattern = clampPath(cut < 0 ? written : written.slice(cut + 3));
    const pivots = hasGlob(pivot) ? expandPattern(place, pivot, matches) : [pivot];
    const literal = !hasGlob(pivot) && !hasGlob(pattern);
    for (const folder of pivots) {
      const from = followLinks(place, folder);
      const node = from === undefined ? undefined : place.get(from);
      const source =
        from === undefined || node?.kind !== 'directory'
          ? undefined
          : selectBelow({ place, matches, exclude }, { name: '', from, node }, pattern.split('/'));
      if (source !== undefined && (!literal || source.found))
        selected.push({ name: '', files: source.files });
      else if (literal) return { sources: [], missing: clampPath(written) };
    }
  }
  return { sources: selected };
}

interface Looking<N extends SourceNode> {
  readonly place: TypedSource<N>;
  readonly matches: MatchName;
  readonly exclude: Excludes | undefined;
}

function selectBelow<N extends SourceNode>(
  { place, matches, exclude }: Looking<N>,
  root: SelectedFile<N>,
  pattern: readonly string[],
): { readonly files: readonly SelectedFile<N>[]; readonly found: boolean } {
  const taken = new Map<string, SelectedFile<N>>();
  let found = false;
  /** The folders from the root's child down to the one that is looked into. */
  const way: SelectedFile<N>[] = [];
  const take = (files: readonly SelectedFile<N>[]): void => {
    for (const file of [...way, ...files]) taken.set(file.name, file);
  };

  const takeAll = (file: SelectedFile<N>): void => {
    found = true;
    const excluded = exclude?.excludes(file.name) === true;
    const files = [file];
    if (file.node.kind === 'directory') addBelow(place, file.from, file.name, files, exclude);
    if ((excluded || file.node.provisional === true) && files.length === 1) return;
    take(files);
  };

  const seen = new Set<string>();
  /** Takes what matches the rest of the pattern below this folder. */
  const look = (folder: SelectedFile<N>, at: number): void => {
    // Several `**` reach a folder in many ways.
    const visit = `${at}\0${folder.name}`;
    if (seen.has(visit)) return;
    seen.add(visit);
    const component = pattern[at]!;
    const last = at === pattern.length - 1;
    const enter = (file: SelectedFile<N>, next: number): void => {
      way.push(file);
      look(file, next);
      way.pop();
    };
    if (component === '**') {
      // No folder at all, or one more.
      if (!last) look(folder, at + 1);
      for (const file of childrenOf(place, folder)) {
        if (last) takeAll(file);
        else if (file.node.kind === 'directory') enter(file, at);
      }
      return;
    }
    for (const file of candidates(place, folder, component, matches)) {
      if (last) {
        takeAll(file);
        continue;
      }
      const real = followLinks(place, file.from);
      const node = real === undefined ? undefined : place.get(real);
      if (real !== undefined && node?.kind === 'directory')
        enter({ name: file.name, from: real, node }, at + 1);
    }
  };

  if (pattern.length === 1 && pattern[0] === '') {
    found = true;
    const files = [root];
    addBelow(place, root.from, '', files, exclude);
    return { files, found };
  }
  look(root, 0);
  // By whole names a folder comes before what is in it; the names of a folder's children need not be together for that.
  const files = [...taken.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { files: [root, ...files], found };
}

function* candidates<N extends SourceNode>(
  place: TypedSource<N>,
  folder: SelectedFile<N>,
  component: string,
  matches: MatchName,
): Iterable<SelectedFile<N>> {
  if (hasGlob(component)) {
    for (const file of childrenOf(place, folder)) {
      if (matches(component, file.from.slice(file.from.lastIndexOf('/') + 1))) yield file;
    }
    return;
  }
  const from = joined(folder.from, component);
  const node = place.get(from);
  if (node !== undefined) yield { name: joined(folder.name, component), from, node };
}

function* childrenOf<N extends SourceNode>(
  place: TypedSource<N>,
  folder: SelectedFile<N>,
): Iterable<SelectedFile<N>> {
  for (const [name, node] of place.children(folder.from)) {
    yield { name: joined(folder.name, name), from: joined(folder.from, name), node };
  }
}

function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
