import { isDobosError } from '../base/errors.ts';
import type { App } from './app.ts';

/** Everything about a container or an image, in this order, as docker has it. @throws what looking for an image throws, or for a container if only that was asked for */
export async function inspectAny(
  app: App,
  name: string,
  kind?: string,
): Promise<Readonly<Record<string, unknown>>> {
  if (kind !== 'image') {
    const { inspectContainer } = await import('./inspect-container.ts');
    try {
      return await inspectContainer(app, name);
    } catch (error) {
      if (kind === 'container' || !isDobosError(error, 'CONTAINER_UNKNOWN')) throw error;
    }
  }
  const { inspectImage } = await import('./inspect.ts');
  return inspectImage(app, name);
}
