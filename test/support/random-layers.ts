import fc from 'fast-check';
import type { VectorEntry } from './vector-tar.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const path = fc
  .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'));
const mode = fc.constantFrom(0o600, 0o644, 0o711, 0o755, 0o4755);

type Draft =
  | { readonly kind: 'file'; readonly path: string; readonly size: number; readonly mode: number }
  | { readonly kind: 'dir'; readonly path: string; readonly mode: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | { readonly kind: 'hardlink'; readonly path: string; readonly pick: number }
  | { readonly kind: 'whiteout'; readonly path: string }
  | { readonly kind: 'opaque'; readonly path: string };

const draft: fc.Arbitrary<Draft> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('file' as const), path, size: fc.nat(900), mode }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('dir' as const), path, mode }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('symlink' as const),
      path,
      target: fc.constantFrom('a', 'b', '../a', '/b/c', 'c/d', '../../../d', '/nowhere/at/all', '.'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('hardlink' as const), path, pick: fc.nat(50) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('whiteout' as const, 'opaque' as const), path }),
  },
);

/** Layers that every extractor accepts and understands alike, built over a plain model of what is there. */
export const layerStacks: fc.Arbitrary<VectorEntry[][]> = fc
  .array(fc.array(draft, { maxLength: 12 }), { minLength: 1, maxLength: 4 })
  .map(sensibleLayers);

/**
 * Leaves out what extractors answer in different ways: parents that are files, symlinks that turn in circles, whiteouts whose path goes through a
 * symlink or that name what the same layer made, a path twice in one layer.
 */
function sensibleLayers(drafts: readonly (readonly Draft[])[]): VectorEntry[][] {
  const seen: Model = new Map();
  let serial = 0;
  return drafts.map((layer) => {
    const lower: Model = new Map(seen);
    const hiding: VectorEntry[] = [];
    for (const one of layer) {
      if (one.kind !== 'whiteout' && one.kind !== 'opaque') continue;
      if (!parents(one.path).every((parent) => lower.get(parent) === 'dir')) continue;
      const hidden = lower.get(one.path);
      if (hidden === undefined || (one.kind === 'opaque' && hidden !== 'dir')) continue;
      if (hiding.some(({ path: other }) => isAtOrBelow(one.path, other) || isAtOrBelow(other, one.path)))
        continue;
      const slash = one.path.lastIndexOf('/') + 1;
      const whiteout = `${one.path.slice(0, slash)}.wh.${one.path.slice(slash)}`;
      const tarPath = one.kind === 'opaque' ? `${one.path}/.wh..wh..opq` : whiteout;
      hiding.push({ path: one.path, type: one.kind, tarPath });
      remove(seen, one.path);
      if (one.kind === 'opaque') seen.set(one.path, 'dir');
    }
    const entries: VectorEntry[] = [];
    const touched = new Set<string>();
    for (const one of layer) {
      if (one.kind === 'whiteout' || one.kind === 'opaque') continue;
      const at = resolve(seen, one.path);
      if (at === undefined || [...touched].some((other) => isAtOrBelow(other, at))) continue;
      const common = { path: at, tarPath: one.path };
      if (one.kind === 'hardlink') {
        const files = [...seen].filter(([known, kind]) => kind === 'file' && !isAtOrBelow(known, at));
        const target = files[one.pick % Math.max(1, files.length)]?.[0];
        if (target === undefined) continue;
        entries.push({ ...common, type: 'hardlink', target });
      } else if (one.kind === 'dir') {
        const xattrs = one.mode === 0o711 ? { 'user.dir': `${serial}` } : undefined;
        entries.push({
          ...common,
          type: 'dir',
          mode: one.mode,
          uid: one.mode % 7,
          ...(xattrs && { xattrs }),
        });
      } else if (one.kind === 'symlink') {
        entries.push({ ...common, type: 'symlink', target: one.target });
      } else {
        const content = `${serial++}`.padEnd(one.size, 'x').slice(0, one.size);
        const xattrs = one.mode === 0o600 ? { 'user.a': `${serial}`, 'user.b': 'ő' } : undefined;
        const owner = { uid: serial % 3, gid: serial % 5 };
        const mtime = 1_600_000_000 + serial;
        entries.push({
          ...common,
          ...owner,
          type: 'file',
          content,
          mode: one.mode,
          mtime,
          ...(xattrs && { xattrs }),
        });
      }
      if (one.kind !== 'dir' || seen.get(at) !== 'dir') remove(seen, at);
      for (const parent of parents(at)) {
        seen.set(parent, 'dir');
        touched.add(parent);
      }
      touched.add(at);
      seen.set(at, one.kind === 'dir' ? 'dir' : one.kind === 'symlink' ? { target: one.target } : 'file');
    }
    return [...hiding, ...entries];
  });
}

/** What is at a path. */
type Model = Map<string, 'file' | 'dir' | { readonly target: string }>;

function remove(model: Model, at: string): void {
  for (const known of [...model.keys()]) if (isAtOrBelow(known, at)) model.delete(known);
}

/** The path with its parents' symlinks followed inside the root; undefined if a parent is a file or the links turn in circles. */
function resolve(model: Model, at: string): string | undefined {
  let pending = at.split('/');
  let done: string[] = [];
  for (let turns = 0; pending.length > 0; turns++) {
    if (turns > 50) return undefined;
    const name = pending.shift()!;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done = done.slice(0, -1);
      continue;
    }
    const next = [...done, name];
    const known = model.get(next.join('/'));
    if (pending.length > 0 && known === 'file') return undefined;
    if (pending.length > 0 && typeof known === 'object') {
      if (known.target.startsWith('/')) done = [];
      pending = [...known.target.split('/'), ...pending];
    } else done = next;
  }
  return done.length === 0 ? undefined : done.join('/');
}

function parents(at: string): string[] {
  const parts = at.split('/');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
}

function isAtOrBelow(at: string, top: string): boolean {
  return at === top || at.startsWith(`${top}/`);
}
