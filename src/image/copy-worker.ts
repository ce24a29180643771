import { serveTasks } from '../base/worker.ts';
import { type Copied, type CopyTask, copyRegion } from './copy-region.ts';

serveTasks<CopyTask, Copied>(copyRegion);
