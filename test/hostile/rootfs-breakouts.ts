import type { VectorEntry } from '../support/vector-tar.ts';

/** A layer stack that tries to reach outside, and what must come of it. */
export interface Breakout {
  readonly name: string;
  readonly layers: readonly (readonly VectorEntry[])[];
  /** The code of the refusal, or paths (with a word of their view) that stand inside the root afterwards. */
  readonly want: string | Readonly<Record<string, string>>;
}

const file = (tarPath: string, more: Partial<VectorEntry> = {}): VectorEntry => ({
  type: 'file',
  path: tarPath,
  tarPath,
  content: 'attack',
  mode: 0o777,
  ...more,
});
const dir = (tarPath: string): VectorEntry => ({
  type: 'dir',
  path: tarPath,
  tarPath,
  mode: 0o700,
  uid: 7,
  mtime: 1,
});
const link = (tarPath: string, target: string): VectorEntry => ({
  type: 'symlink',
  path: tarPath,
  tarPath,
  target,
});
const hard = (tarPath: string, target: string): VectorEntry => ({
  type: 'hardlink',
  path: tarPath,
  tarPath,
  target,
});
const UP = '../'.repeat(20);

/** The breakouts that containerd tests by name (pkg/archive), against a canary tree at `out`, an absolute path without leading slash. */
export function breakouts(out: string): readonly Breakout[] {
  const canary = `${out}/file`;
  const abs = `/${out}`;
  return [
    {
      name: 'SymlinkAbsolute',
      layers: [[link('l', abs), file('l/file')]],
      want: { [canary]: 'file 777' },
    },
    {
      name: 'SymlinkUpAndOut',
      layers: [[link('d/l', `${UP}${out}`), file('d/l/file')]],
      want: { [canary]: 'file 777' },
    },
    {
      name: 'SymlinkMultipleAbsolute',
      layers: [[link('a', abs), link('b', '/a'), file('b/file'), dir('b/sub')]],
      want: { [canary]: 'file 777', [`${out}/sub`]: 'dir 700 7:0' },
    },
    {
      name: 'SymlinkMultipleRelative',
      layers: [[link('a', `${UP}${out}`), link('b/c', '../a'), file('b/c/file')]],
      want: { [canary]: 'file 777' },
    },
    {
      name: 'SymlinkEmptyFile',
      layers: [[link('l', `${abs}/file`), file('l', { content: '' })]],
      want: { l: 'file 777 0:0' },
    },
    { name: 'SymlinkParentDirectory', layers: [[link('..', abs)]], want: 'LAYER_ROOT_KIND' },
    { name: 'SymlinkEmptyFilename', layers: [[link('.', abs)]], want: 'LAYER_ROOT_KIND' },
    {
      name: 'SymlinkParentRelative',
      layers: [[link('../l', `../../${out}`), file('l/file')]],
      want: { [canary]: 'file 777' },
    },
    {
      name: 'SymlinkSlashEnded',
      layers: [[link('l', `${abs}/`), dir('l/'), file('l/x')]],
      want: { l: 'dir 700 7:0', 'l/x': 'file 777' },
    },
    {
      name: 'SymlinkOverrideDirectory',
      layers: [[dir('d')], [link('d', abs), file('d/file')]],
      want: { d: `link 777 0:0`, [canary]: 'file 777' },
    },
    {
      name: 'SymlinkOverrideDirectoryRelative',
      layers: [
        [dir('d'), file('d/x')],
        [link('d', `${UP}${out}`), file('d/file')],
      ],
      want: { [canary]: 'file 777' },
    },
    {
      name: 'SymlinkOverridePath',
      layers: [[file('d/e/f')], [link('d/e', abs), file('d/e/file')]],
      want: { [canary]: 'file 777' },
    },
    { name: 'HardlinkRelative', layers: [[hard('h', `${UP}${canary}`)]], want: 'LAYER_LINK_TARGET' },
    {
      name: 'HardlinkDownAndOut',
      layers: [[dir('d'), hard('h', `d/../../${UP}${canary}`)]],
      want: 'LAYER_LINK_TARGET',
    },
    { name: 'HardlinkAbsolute', layers: [[hard('h', `${abs}/file`)]], want: 'LAYER_LINK_TARGET' },
    {
      name: 'HardlinkRelativeLong',
      layers: [[link('l', `${UP}${out}`), hard('h', 'l/file'), file('h')]],
      want: 'LAYER_LINK_TARGET',
    },
    {
      name: 'HardlinkRelativeUpAndOut',
      layers: [[link('d/l', UP), hard('h', `d/l/${canary}`)]],
      want: 'LAYER_LINK_TARGET',
    },
    {
      name: 'HardlinkDirectRelative',
      layers: [[link('l', `${UP}${canary}`), hard('h', 'l'), file('h')]],
      want: { h: 'file 777', l: 'link' },
    },
    {
      name: 'HardlinkDirectAbsolute',
      layers: [[link('l', `${abs}/file`), hard('h', 'l'), file('h', { content: '' })]],
      want: { h: 'file 777', l: 'link' },
    },
    {
      name: 'HardlinkSymlinkRelative',
      layers: [[link('l', `${UP}${out}`), hard('h', 'l'), file('h/file')]],
      want: { [canary]: 'file 777', h: 'link' },
    },
    {
      name: 'HardlinkSymlinkAbsolute',
      layers: [
        [link('l', abs), hard('h', 'l')],
        [file('h/file'), file('l/other')],
      ],
      want: { [canary]: 'file 777', [`${out}/other`]: 'file 777' },
    },
    {
      name: 'HardlinkSymlinkBeforeCreateTarget',
      layers: [
        [link('l', abs), hard('h', 'l')],
        [dir('h'), file('h/file')],
      ],
      want: { h: 'dir 700 7:0', 'h/file': 'file 777' },
    },
    {
      name: 'DirectoryOverrideSymlink',
      layers: [[link('d', abs)], [dir('d'), file('d/file')]],
      want: { d: 'dir 700 7:0', 'd/file': 'file 777' },
    },
    {
      name: 'DirectoryOverrideSymlinkAndHardlink',
      layers: [
        [link('l', abs), hard('h', 'l')],
        [dir('l'), dir('h'), file('h/file'), file('l/file')],
      ],
      want: { 'h/file': 'file 777', 'l/file': 'file 777' },
    },
    { name: 'WhiteoutRootParent', layers: [[file('a')], [file('.wh...')]], want: 'LAYER_WHITEOUT_INVALID' },
    { name: 'WhiteoutParent', layers: [[file('d/a')], [file('d/.wh...')]], want: 'LAYER_WHITEOUT_INVALID' },
    { name: 'WhiteoutRoot', layers: [[file('a')], [file('.wh.')]], want: 'LAYER_WHITEOUT_INVALID' },
    {
      name: 'WhiteoutCurrentDirectory',
      layers: [[file('d/a')], [file('d/.wh..')]],
      want: 'LAYER_WHITEOUT_INVALID',
    },
    {
      name: 'WhiteoutSymlink',
      layers: [[link('l', `${abs}/file`), file('keep')], [file('.wh.l')]],
      want: { keep: 'file' },
    },
    {
      name: 'WhiteoutSymlinkPath',
      layers: [
        [link('l', abs), file('keep')],
        [file('l/.wh.file'), file('l/.wh..wh..opq')],
      ],
      want: { keep: 'file', l: 'link' },
    },
    {
      name: 'WhiteoutDirectoryName',
      layers: [[file('a/b')], [file('.wh.a/x')]],
      want: { 'a/b': 'file 777' },
    },
    {
      name: 'WhiteoutDeadSymlinkParent',
      layers: [[link('l', '/nowhere/at/all'), file('keep')], [file('l/.wh.x')]],
      want: { keep: 'file', l: 'link' },
    },
    {
      name: 'WhiteoutRelativePath',
      layers: [[file('d/a')], [file(`d/${UP}${out}/.wh.file`), file(`${UP}.wh.d`)]],
      want: {},
    },
    {
      name: 'names that climb land inside',
      layers: [[file(`${UP}${canary}`), file(`/${canary}2`), file(`d/../../${canary}3`)]],
      want: { [canary]: 'file 777', [`${canary}2`]: 'file 777', [`${canary}3`]: 'file 777' },
    },
    {
      name: 'a symlink that turns in circles',
      layers: [[link('a', 'b'), link('b', 'a'), file('a/x')]],
      want: 'LAYER_LINK_LOOP',
    },
    {
      name: 'a root that is a file',
      layers: [[file('.')]],
      want: 'LAYER_ROOT_KIND',
    },
  ];
}
