import { isDigest } from '../oci/digest.ts';
import type { Container } from './types.ts';

/** Of the document's form; another one is not read. */
const VERSION = 1;
/** The environment and the labels are most of it; a kernel takes 2 MiB of arguments and environment. */
export const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;

/** The document of a container. */
export function formatContainer(container: Container): string {
  return `${JSON.stringify({ version: VERSION, ...container }, null, 1)}\n`;
}

/** The container of a document, or what is wrong with it. Only what decides over files and processes is looked at: whoever may write here may do all else too. */
export function parseContainer(text: string, id: string): Container | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  if (typeof value !== 'object' || value === null) return 'it is no object';
  const { version, ...rest } = value as Record<string, unknown>;
  if (version !== VERSION) return `it is of version ${String(version)}, want ${VERSION}`;
  const { image, process, state } = rest as {
    image?: { layers?: unknown };
    process?: { args?: unknown };
    state?: { kind?: unknown };
  };
  if (rest.id !== id) return 'it has another id than its folder';
  if (typeof rest.name !== 'string' || typeof rest.createdAt !== 'number') return 'it has no name or no time';
  if (!Array.isArray(image?.layers) || !image.layers.every(isLayer)) return 'it has no layers';
  if (!Array.isArray(process?.args)) return 'it has no command';
  if (!STATES.has(String(state?.kind))) return 'it has no state';
  return rest as unknown as Container;
}

const STATES: ReadonlySet<string> = new Set(['created', 'running', 'restarting', 'exited', 'removing']);

function isLayer(value: unknown): boolean {
  const { blob, diffId } = (value ?? {}) as { blob?: { digest?: unknown }; diffId?: unknown };
  return isDigest(diffId) && isDigest(blob?.digest);
}
