import { closeSync, openSync, writeSync } from 'node:fs';
import { type FileRegion, readRegion } from '../base/bytes.ts';
import { fsPath } from '../base/names.ts';
import type { CallOptions } from '../base/options.ts';
import type { LocalStore, StagedFile } from '../store/contract.ts';
import type { Content, Layer, LayerIndex } from './types.ts';

/** Uncompressed tars of layers as plain files: what is in them is packed into other layers without unpacking anything. */
export interface LayerContents {
  /** Where the content of these entries is; what has no plain bytes on disk yet (compressed layers, sparse files) is written to files that live until `close`. */
  open(
    wanted: Iterable<{ readonly layer: number; readonly order: number }>,
    o?: CallOptions,
  ): Promise<(layer: number, order: number) => Content>;
  close(): Promise<void>;
}

/** `layers` and their `indexes`, base first. */
export function createLayerContents(
  store: LocalStore,
  layers: readonly Layer[],
  indexes: readonly LayerIndex[],
): LayerContents {
  const staged: StagedFile[] = [];
  const tars = new Map<number, Promise<FileRegion>>();

  const stage = async (fill: (write: (bytes: Uint8Array) => void) => Promise<void>): Promise<FileRegion> => {
    const file = await store.stage();
    staged.push(file);
    const fd = openSync(fsPath(file.path), 'r+');
    let size = 0;
    try {
      await fill((bytes) => {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
        size += bytes.length;
      });
    } finally {
      closeSync(fd);
    }
    return { path: file.path, offset: 0, size };
  };
  const openTar = async (layer: Layer, o: CallOptions): Promise<FileRegion> => {
    const plain = layer.blob.digest === layer.diffId ? await store.locate(layer.blob, o) : undefined;
    if (plain !== undefined) return plain;
    return stage(async (write) => {
      for await (const chunk of layer.openTar(o)) write(chunk);
    });
  };
  const tarOf = (layer: number, o: CallOptions): Promise<FileRegion> => {
    const known = tars.get(layer) ?? openTar(layers[layer]!, o);
    tars.set(layer, known);
    return known;
  };

  return {
    async open(wanted, o = {}) {
      const found = new Map<string, Content>();
      for (const { layer, order } of wanted) {
        const key = `${layer}:${order}`;
        if (found.has(key)) continue;
        const entry = indexes[layer]!.at(order);
        const tar = await tarOf(layer, o);
        const { pieces, size } = entry;
        const region =
          pieces === undefined
            ? { path: tar.path, offset: tar.offset + entry.offset, size }
            : await stage(async (write) => {
                for (const piece of pieces) {
                  if (piece.at === undefined) writeZeros(piece.size, write);
                  else {
                    const part = { path: tar.path, offset: tar.offset + piece.at, size: piece.size };
                    for await (const chunk of readRegion(part, o)) write(chunk);
                  }
                }
              });
        found.set(key, { kind: 'region', ...region });
      }
      return (layer, order) => {
        const content = found.get(`${layer}:${order}`);
        if (content === undefined) throw new TypeError(`entry ${order} of layer ${layer} was not asked for`);
        return content;
      };
    },
    async close() {
      for (const file of staged.splice(0)) await file.abort();
    },
  };
}

const ZEROS = Buffer.alloc(64 * 1024);

function writeZeros(count: number, write: (bytes: Uint8Array) => void): void {
  for (let done = 0; done < count; done += ZEROS.length) {
    write(ZEROS.subarray(0, Math.min(ZEROS.length, count - done)));
  }
}
