import { describe, expect, it } from 'vitest';
import { decodeName } from '../base/names.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { parseChmod } from './chmod.ts';
import type { SourceNode } from './context/file-source.ts';
import type { SelectedSource } from './context/select-files.ts';
import { compareFacts, type FactOptions, fileFacts, keepFacts } from './file-facts.ts';

const NODE: SourceNode = { kind: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 1, size: 1, digest: 'aa' };
const folder = (...files: readonly (readonly [string, Partial<SourceNode>])[]): SelectedSource[] => [
  {
    name: 'folder',
    files: [
      { name: '', from: '', node: { ...NODE, kind: 'directory', mode: 0o755, size: 0 } },
      ...files.map(([name, change]) => ({ name, from: name, node: { ...NODE, ...change } })),
    ],
  },
];
const digest = (sources: readonly SelectedSource[], o: FactOptions = { owners: true }): string =>
  fileFacts(sources, o).digest;

describe('what a key says about files', () => {
  const plain = digest(folder(['a', {}], ['b', {}]));

  it.each<[string, Partial<SourceNode>]>([
    ['content', { digest: 'bb' }],
    ['size', { size: 2 }],
    ['mode', { mode: 0o755 }],
    ['owner', { uid: 1 }],
    ['group', { gid: 1 }],
    ['kind', { kind: 'fifo' }],
    ['attributes', { xattrs: new Map([['security.capability', Buffer.from('x')]]) }],
  ])('changes with the %s of a file', (_, change) => {
    expect(digest(folder(['a', change], ['b', {}]))).not.toBe(plain);
  });

  it('does not change with times, inodes or places', () => {
    expect(digest(folder(['a', { mtime: 99, identity: '1:2' }], ['b', { provisional: true }]))).toBe(plain);
  });

  it('changes with names, also with those that are no text', () => {
    expect(digest(folder(['a', {}], ['c', {}]))).not.toBe(plain);
    const raw = [0xfe, 0xff].map((byte) => digest(folder([decodeName(Uint8Array.of(byte)), {}])));
    expect(raw[0]).not.toBe(raw[1]);
  });

  it('changes with the target of a link, not with its mode', () => {
    const link = (change: Partial<SourceNode>) =>
      digest(folder(['l', { kind: 'symlink', linkTo: 'a', digest: undefined, size: 0, ...change }]));
    expect(link({ linkTo: 'b' })).not.toBe(link({}));
    expect(link({ mode: 0o700 })).toBe(link({}));
  });

  it('changes when two files become one with two names', () => {
    const one = digest(folder(['a', { identity: '1:1' }], ['b', { identity: '1:1' }]));
    expect(one).not.toBe(plain);
    expect(digest(folder(['a', { identity: '9:9' }], ['b', { identity: '9:9' }]))).toBe(one);
  });

  it('changes only with what --chmod and --chown leave of modes and owners', () => {
    const o = { chmod: parseChmod('u=rwX,go=rX'), owners: false };
    expect(digest(folder(['a', { mode: 0o600, uid: 7 }]), o)).toBe(digest(folder(['a', {}]), o));
    expect(digest(folder(['a', { mode: 0o700 }]), o)).not.toBe(digest(folder(['a', {}]), o));
  });

  it('says how files differ from a list kept before, and nothing when there is none', async () => {
    const { notes } = createMemoryStore();
    const before = fileFacts(
      folder(['a', {}], ['b', {}], ['c', {}], ['l', { kind: 'symlink', linkTo: 'a' }], ['x', {}]),
      { owners: true },
    );
    const now = fileFacts(
      folder(
        ['a', { digest: 'bb' }],
        ['b', { mode: 0o600 }],
        ['l', { kind: 'symlink', linkTo: 'b' }],
        ['n', {}],
        ['x', { kind: 'directory' }],
      ),
      { owners: true },
    );
    expect(await compareFacts(notes, before.digest, now)).toBeUndefined();
    await keepFacts(notes, before);
    expect(await compareFacts(notes, before.digest, now)).toEqual([
      { path: 'a', kind: 'changed', what: undefined },
      { path: 'b', kind: 'changed', what: 'mode 0644 → 0600' },
      { path: 'l', kind: 'changed', what: 'link a → b' },
      { path: 'n', kind: 'new', what: undefined },
      { path: 'x', kind: 'changed', what: 'kind file → directory' },
      { path: 'c', kind: 'gone', what: undefined },
    ]);
    await notes.put('copyfiles', before.digest, Buffer.from('{"half'));
    expect(await compareFacts(notes, before.digest, now)).toBeUndefined();
  });
});
