import { sha256 } from '../../src/base/bytes.ts';
import { OCI_LAYER_TAR } from '../../src/oci/media-types.ts';
import type { LayerRef } from '../../src/runtime/types.ts';
import type { RootfsAgent } from './rootfs-agent.ts';

/** Stores uncompressed layers in the agent's store. */
export async function putTars(agent: RootfsAgent, tars: readonly Buffer[]): Promise<LayerRef[]> {
  const layers = tars.map((tar) => {
    const digest = sha256(tar);
    return { blob: { mediaType: OCI_LAYER_TAR, digest, size: tar.length }, diffId: digest };
  });
  await agent.run(PUT, { layers, tars: tars.map((tar) => tar.toString('base64')) });
  return layers;
}

const PUT = `
const { streamOf } = await load('base/bytes.js');
for (const [i, { blob }] of o.layers.entries()) await store.put(blob, streamOf(Buffer.from(o.tars[i], 'base64')));
`;
