import { exploreImage } from '../explore/explore-image.ts';
import { chainIds } from '../image/chain-id.ts';
import type { Image } from '../image/types.ts';
import type { App } from './app.ts';

export interface ImageSummary {
  /** Bytes of all files in all layers. */
  readonly size: number;
  /** Of them, what no path of the image leads to. */
  readonly hidden: number;
  readonly layers: number;
}

const KIND = 'summary';

/** Size and hidden bytes; counted once for a stack of layers, and kept. */
export async function imageSummary(app: App, image: Image): Promise<ImageSummary> {
  const top = chainIds(image.layers.map(({ diffId }) => diffId)).at(-1);
  if (top === undefined) return { size: 0, hidden: 0, layers: 0 };
  const { notes } = await app.store();
  const kept = parseSummary(await notes.get(KIND, top));
  if (kept !== undefined) return kept;
  const { total, hidden, layers } = await exploreImage(await app.store(), image);
  const summary = { size: total, hidden, layers: layers.length };
  await notes.put(KIND, top, Buffer.from(JSON.stringify(summary)));
  return summary;
}

function parseSummary(bytes: Buffer | undefined): ImageSummary | undefined {
  try {
    return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as ImageSummary);
  } catch {
    return undefined;
  }
}
