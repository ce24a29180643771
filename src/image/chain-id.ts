import { sha256 } from '../base/bytes.ts';
import type { Digest } from '../oci/types.ts';

/** The chain id of each prefix of the stack, base first: it names the file system that the layers up to there show (config.md, "Layer ChainID"). */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : sha256(`${below} ${diffId}`));
  }
  return chain;
}
