import type { PushNotice } from '../../app/push.ts';
import type { Pushed, PushLayerState } from '../../image/push-image.ts';
import { noticeLine } from '../pull-view/pull-text.ts';

type Moving = 'started' | 'moved';
type LayerNotice = Extract<PushNotice, { kind: 'layer' }>;

const WORDS: Readonly<Record<Exclude<PushLayerState, Moving | 'mounted'>, string>> = {
  preparing: 'Preparing',
  packing: 'Compressing',
  pushed: 'Pushed',
  present: 'Layer already exists',
  foreign: 'Skipped foreign layer',
};

/** docker's words for what happens to a layer; undefined while it moves. */
export function layerWord({ state, from }: Pick<LayerNotice, 'state' | 'from'>): string | undefined {
  if (state === 'started' || state === 'moved') return undefined;
  return state === 'mounted' ? `Mounted from ${from}` : WORDS[state];
}

/** `The push refers to repository [docker.io/library/debian]`. */
export const headerLine = (repository: string): string => `The push refers to repository [${repository}]`;

/** docker's last line of a push: `latest: digest: sha256:… size: 527`. */
export const endLine = ({ name, tag, target }: Pushed): string =>
  `${tag ?? name}: digest: ${target.digest} size: ${target.size}`;

/** What is said of an index that is here in part. */
export const aloneLine = (platform: string): string =>
  `note: of its index only ${platform} is in the store; that image is pushed alone`;

/** One line for what the registry's client has to say; undefined for what is no news to people. */
export function registryLine(notice: PushNotice): string | undefined {
  switch (notice.kind) {
    case 'retry':
    case 'warning':
      return noticeLine(notice);
    default:
      return undefined;
  }
}
