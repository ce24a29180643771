import type { VectorEntry } from './vector-tar.ts';

const file = (path: string, size: number, mode = 0o644): VectorEntry => ({
  path,
  type: 'file',
  content: 'x'.repeat(size),
  mode,
  tarPath: path,
});
const folder = (path: string): VectorEntry => ({ path, type: 'dir', tarPath: path });
const gone = (tarPath: string): VectorEntry => ({ path: '', type: 'whiteout', tarPath });

const ROOT = folder('root');
const EXAMPLE = [ROOT, folder('root/example')];
const SIZE = 6405;

/** Layers that do to each other what those of dive's own test image do, in the same sizes; its base, of many files, is one here. */
export const DIVE_LAYERS: readonly (readonly VectorEntry[])[] = [
  [folder('bin'), file('bin/busybox', 1_154_361, 0o755), ROOT, folder('tmp')],
  [file('somefile.txt', SIZE)],
  [...EXAMPLE, folder('root/example/really'), folder('root/example/really/nested')],
  [...EXAMPLE, file('root/example/somefile1.txt', SIZE)],
  [...EXAMPLE, file('root/example/somefile1.txt', SIZE, 0o444)],
  [...EXAMPLE, file('root/example/somefile2.txt', SIZE)],
  [...EXAMPLE, file('root/example/somefile3.txt', SIZE)],
  [...EXAMPLE, gone('root/example/.wh.somefile3.txt'), file('root/saved.txt', SIZE)],
  [ROOT, file('root/.saved.txt', SIZE)],
  [ROOT, gone('root/.wh.example')],
  [
    ROOT,
    folder('root/.data'),
    file('root/.data/tag.sh', 917, 0o755),
    file('root/.data/test.sh', 1270, 0o755),
  ],
  [folder('tmp'), file('tmp/saved.again1.txt', SIZE)],
  [ROOT, folder('root/.data'), file('root/.data/saved.again2.txt', SIZE)],
  [ROOT, file('root/saved.txt', SIZE, 0o755)],
];

/** What dive says of it. */
export const DIVE_SAYS = {
  efficiency: 0.9844212134184309,
  sizeBytes: 1_220_598,
  userSizeBytes: 66_237,
  wastedBytes: 32_025,
  wastedUserPercent: 0.4834911001404049,
  files: [
    { count: 2, sizeBytes: 12_810, file: '/root/saved.txt' },
    { count: 2, sizeBytes: 12_810, file: '/root/example/somefile1.txt' },
    { count: 2, sizeBytes: 6405, file: '/root/example/somefile3.txt' },
  ],
} as const;
