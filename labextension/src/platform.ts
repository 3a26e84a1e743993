/** What the panels ask for, one function per route. */
import { Launch } from './snippets';
import {
  Estimate,
  Hardware,
  Model,
  Page,
  Preview,
  Run,
  SaveJob,
  SaveRequest,
  Status,
  Sweep,
  Value,
  Version
} from './types';
import { Query, Requests } from './request';

export class Platform {
  constructor(private readonly requests: Requests) {}

  readStatus(): Promise<Status> {
    return this.requests.get('status');
  }

  listModelNames(): Promise<string[]> {
    return this.requests.get('models');
  }

  preview(path: string): Promise<Preview> {
    return this.requests.post('preview', { path });
  }

  beginSave(request: SaveRequest): Promise<SaveJob> {
    return this.requests.post('saves', request);
  }

  /** The latest saves of this environment, newest first. */
  async listSaves(): Promise<SaveJob[]> {
    return (await this.requests.get<Page<SaveJob>>('saves')).items;
  }

  readSave(id: string): Promise<SaveJob> {
    return this.requests.get(`saves/${id}`);
  }

  async listModels(): Promise<Model[]> {
    return (await this.requests.get<Page<Model>>('api/models', { limit: 1000 })).items;
  }

  async listVersions(model: Pick<Model, 'owner' | 'name'>): Promise<Version[]> {
    const path = `api/models/${model.owner}/${model.name}/versions`;
    return (await this.requests.get<Page<Version>>(path, { limit: 100 })).items;
  }

  async listHardware(): Promise<Hardware[]> {
    const answer = await this.requests.get<Page<Hardware> | Hardware[]>('api/hardware');
    return (Array.isArray(answer) ? answer : answer.items).filter(hardware => !hardware.deprecated);
  }

  /** A single run is estimated as a sweep of one point. */
  estimate(launch: Launch): Promise<Estimate> {
    const space =
      Object.keys(launch.space.grid).length > 0 ? launch.space : { ...launch.space, points: [{}] };
    return this.requests.post('api/sweeps/estimate', sweepBody(launch, space));
  }

  submitSweep(launch: Launch, key: string): Promise<Sweep> {
    const body = { ...sweepBody(launch, launch.space), timeout_seconds: launch.timeoutSeconds };
    return this.requests.post('api/sweeps', body, key);
  }

  submitRun(launch: Launch, key: string): Promise<Run> {
    const body = {
      model: launch.model,
      owner: launch.owner,
      version: String(launch.version),
      parameters: launch.space.fixed,
      hardware: launch.hardware,
      timeout_seconds: launch.timeoutSeconds
    };
    return this.requests.post('api/runs', body, key);
  }

  listRuns(query: Query): Promise<Page<Run>> {
    return this.requests.get('api/runs', query);
  }

  readRun(id: string): Promise<Run> {
    return this.requests.get(`api/runs/${id}`);
  }

  readSweep(id: string): Promise<Sweep> {
    return this.requests.get(`api/sweeps/${id}`);
  }

  cancelRun(id: string): Promise<Run> {
    return this.requests.post(`api/runs/${id}/cancel`);
  }

  cancelSweep(id: string): Promise<Sweep> {
    return this.requests.post(`api/sweeps/${id}/cancel`);
  }
}

function sweepBody(launch: Launch, space: Launch['space'] | { fixed: Record<string, Value> }): object {
  return {
    model: launch.model,
    owner: launch.owner,
    version: String(launch.version),
    space,
    hardware: launch.hardware,
    parallelism: launch.parallelism
  };
}
