import { formatDockerSize } from '../units.ts';
import type { PullRows } from './pull-rows.ts';

/** What an interrupted pull leaves for the next one; undefined if it was not interrupted or left nothing. */
export function keptLine({ kept }: Pick<PullRows, 'kept'>, interrupted: boolean): string | undefined {
  const { done, total } = kept();
  if (!interrupted || done === 0) return undefined;
  return `${formatDockerSize(done)} of ${formatDockerSize(total)} are here already; pulling again goes on from there\n`;
}
