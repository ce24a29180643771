import { serveTasks } from '../base/worker.ts';
import { buildLayerIndex, type IndexTask } from './build-layer-index.ts';

serveTasks<IndexTask, Uint8Array>(buildLayerIndex);
