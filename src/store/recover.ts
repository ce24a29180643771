import { existsSync } from 'node:fs';
import type { CallOptions } from '../base/options.ts';
import { writeFailure } from './errors.ts';
import { collectMarker, hasStaleMarker, waitForCollection } from './leases.ts';
import { cleanLeftovers } from './leftovers.ts';

/**
 * Removes what dead processes left in the store: unfinished writes, leases, the marker of a collection. Returns the paths.
 * Costs 50 µs when there is nothing; a store runs it before its first write.
 */
export async function recover(folder: string, o: CallOptions = {}): Promise<string[]> {
  try {
    const cleaned = cleanLeftovers(folder);
    if (existsSync(collectMarker(folder)) && (await hasStaleMarker(folder))) {
      await waitForCollection(folder, o);
      cleaned.push('lock/collecting');
    }
    return cleaned;
  } catch (error) {
    throw writeFailure(error, folder, 'removing what dead processes left');
  }
}
