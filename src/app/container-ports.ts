import { containerError } from '../containers/errors.ts';
import { publishedPorts } from '../containers/network-facts.ts';
import type { PublishedPort } from '../runtime/network/types.ts';
import type { App } from './app.ts';
import { lookUpContainer, openContainers } from './containers.ts';
import { parseExposed } from './network-options.ts';

/** The published ports of a running container, by its own ports; those of one port if it is given. @throws CONTAINER_UNKNOWN, CONTAINER_PORT if that is not published, RUN_PORT */
export async function containerPorts(
  app: App,
  name: string,
  wanted?: string,
): Promise<readonly PublishedPort[]> {
  const { records } = await openContainers(app);
  const ports = publishedPorts(await lookUpContainer(records, name));
  if (wanted === undefined) return ports;
  const [port] = parseExposed(wanted);
  const found = ports.filter(({ containerPort, protocol }) => `${containerPort}/${protocol}` === port);
  if (found.length === 0) throw containerError('CONTAINER_PORT', { name, port: port ?? wanted });
  return found;
}
