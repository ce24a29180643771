import { createLayerIndexer } from '../../src/layer/layer-indexer.ts';
import { type ColumnarIndex, loadLayerIndex } from '../../src/layer/load-layer-index.ts';
import { type VectorEntry, vectorTar } from './vector-tar.ts';

/** The index of an uncompressed tar; `chunkBytes` is how it is cut. */
export function indexTar(tar: Buffer, chunkBytes = tar.length): ColumnarIndex {
  const indexer = createLayerIndexer();
  for (let at = 0; at < tar.length; at += chunkBytes) indexer.write(tar.subarray(at, at + chunkBytes));
  return loadLayerIndex(indexer.end().bytes);
}

/** The index of a vector's layer. */
export function indexEntries(entries: readonly VectorEntry[]): ColumnarIndex {
  return indexTar(vectorTar(entries));
}
