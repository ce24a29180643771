import { sha256 } from '../../src/base/bytes.ts';
import { tarOf } from './images.ts';

export interface ArchiveHistory {
  readonly created_by?: string;
  readonly empty_layer?: boolean;
}

/** An archive as docker saved it before version 25: a folder named by a plain id for each layer, a config, manifest.json. */
export function dockerArchive(
  layers: readonly Uint8Array[],
  o: { readonly name?: string; readonly history?: readonly ArchiveHistory[] } = {},
): Buffer {
  const config = JSON.stringify({
    os: 'linux',
    architecture: 'amd64',
    history: o.history ?? layers.map((_, number) => ({ created_by: `layer ${number}` })),
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => sha256(layer)) },
  });
  const paths = layers.map((_, number) => `${layerId(number)}/layer.tar`);
  const manifest = [
    { Config: `${sha256(Buffer.from(config)).slice(7)}.json`, RepoTags: [o.name ?? 'app:1'], Layers: paths },
  ];
  return tarOf([
    [manifest[0]!.Config, config],
    ...layers.map((layer, number): readonly [string, Uint8Array] => [paths[number]!, layer]),
    ['manifest.json', JSON.stringify(manifest)],
  ]);
}

/** The id of a layer in `dockerArchive`. */
export const layerId = (number: number): string => sha256(Buffer.from(`layer ${number}`)).slice(7);
