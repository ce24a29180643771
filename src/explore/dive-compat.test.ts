import { describe, expect, test } from 'vitest';
import { indexTar } from '../../test/support/layer-index.ts';
import { type VectorEntry, vectorTar } from '../../test/support/vector-tar.ts';
import { diveNumbers } from './dive-compat.ts';
import { studyLayers } from './study-layers.ts';

const file = (tarPath: string, size: number): VectorEntry => ({
  path: tarPath,
  type: 'file',
  content: 'x'.repeat(size),
  tarPath,
});
const dirs = (...paths: readonly string[]): VectorEntry[] =>
  paths.map((path) => ({ path, type: 'dir', tarPath: path }));
const gone = (tarPath: string): VectorEntry => ({ path: '', type: 'whiteout', tarPath });
const indexes = (layers: readonly (readonly VectorEntry[])[]) =>
  layers.map((layer) => indexTar(vectorTar(layer)));

/** Layers with the sizes, paths and changes of the image that dive tests itself with. */
const EXAMPLE = [
  [...dirs('bin', 'root', 'tmp'), file('bin/busybox', 1_154_361)],
  [file('somefile.txt', 6405)],
  dirs('root', 'root/example', 'root/example/really', 'root/example/really/nested'),
  [...dirs('root', 'root/example'), file('root/example/somefile1.txt', 6405)],
  [...dirs('root', 'root/example'), file('root/example/somefile1.txt', 6405)],
  [...dirs('root', 'root/example'), file('root/example/somefile2.txt', 6405)],
  [...dirs('root', 'root/example'), file('root/example/somefile3.txt', 6405)],
  [...dirs('root', 'root/example'), gone('root/example/.wh.somefile3.txt'), file('root/saved.txt', 6405)],
  [...dirs('root'), file('root/.saved.txt', 6405)],
  [...dirs('root'), gone('root/.wh.example')],
  [...dirs('root', 'root/.data'), file('root/.data/a.sh', 1000), file('root/.data/b.sh', 1187)],
  [...dirs('tmp'), file('tmp/saved.again1.txt', 6405)],
  [...dirs('root', 'root/.data'), file('root/.data/saved.again2.txt', 6405)],
  [...dirs('root'), file('root/saved.txt', 6405)],
];

describe("dive's numbers", () => {
  test('of its example image are those that its own tests want', () => {
    expect(diveNumbers(indexes(EXAMPLE))).toEqual({
      efficiency: 0.9844212134184309,
      sizeBytes: 1_220_598,
      userSizeBytes: 66_237,
      wastedBytes: 32_025,
      wastedUserPercent: 0.4834911001404049,
      abortsOnDanglingWhiteout: false,
      inefficient: [
        { path: '/root/saved.txt', count: 2, sizeBytes: 12_810 },
        { path: '/root/example/somefile1.txt', count: 2, sizeBytes: 12_810 },
        { path: '/root/example/somefile3.txt', count: 2, sizeBytes: 6405 },
      ],
    });
  });

  test('are not the true ones', () => {
    const { total, hidden } = studyLayers(indexes(EXAMPLE));
    expect([total, hidden, (total - hidden) / total]).toEqual([1_220_598, 32_025, 0.9737628604995257]);
  });

  test('do not know a directory that only paths below it tell of', () => {
    const told = diveNumbers(
      indexes([
        [file('etc/nginx/nginx.conf', 2000), file('etc/nginx/public', 3000)],
        [file('etc/nginx/nginx.conf', 5000), file('etc/athing', 10_000)],
        [gone('etc/.wh.nginx')],
      ]),
    );
    expect(told).toMatchObject({
      efficiency: 0.75,
      inefficient: [{ path: '/etc/nginx/nginx.conf', count: 2, sizeBytes: 7000 }],
    });
  });

  test('of an image of one layer have no share of user bytes', () => {
    expect(diveNumbers(indexes([[file('a', 10)]]))).toMatchObject({ efficiency: 1, wastedUserPercent: null });
    expect(diveNumbers([])).toMatchObject({ efficiency: 1, sizeBytes: 0, inefficient: [] });
  });
});
