import { serveTasks } from '../base/worker.ts';
import { type PackedLayer, type PackTask, packFile } from './pack-layer.ts';

serveTasks<PackTask, PackedLayer>(packFile);
