import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** A failure with a sentence for the user and a hint that says what to do next. */
export class YardError extends Error {
  constructor(
    message: string,
    readonly hint: string = '',
    readonly code: string = 'error',
    readonly details: Record<string, unknown> = {}
  ) {
    super(message);
  }
}

export type Query = Record<string, string | number>;

/** Talks to this notebook server's own routes, which add the user's token where the platform needs it. */
export class Requests {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  get<T>(path: string, query: Query = {}): Promise<T> {
    const pairs = Object.entries(query).map(([key, value]) => [key, String(value)]);
    const text = new URLSearchParams(pairs).toString();
    return this.send<T>(text ? `${path}?${text}` : path, { method: 'GET' });
  }

  /** `key` makes a repeated request, for example after a lost answer, the same request. */
  post<T>(path: string, body: unknown = {}, key = ''): Promise<T> {
    const headers: Record<string, string> = key ? { 'Idempotency-Key': key } : {};
    return this.send<T>(path, { method: 'POST', body: JSON.stringify(body), headers });
  }

  private async send<T>(path: string, init: RequestInit): Promise<T> {
    let response: Response;
    try {
      const url = URLExt.join(this.settings.baseUrl, 'modelyard', path);
      response = await ServerConnection.makeRequest(url, init, this.settings);
    } catch {
      throw new YardError(
        'The notebook server does not answer.',
        'Check that this environment is running, then try again.',
        'unavailable'
      );
    }
    const text = await response.text();
    if (!response.ok) {
      throw toError(response.status, text);
    }
    return JSON.parse(text) as T;
  }
}

export function asError(reason: unknown): YardError {
  return reason instanceof YardError ? reason : new YardError(String(reason));
}

function toError(status: number, text: string): YardError {
  try {
    const { message, hint, code, details } = JSON.parse(text).error;
    return new YardError(message, hint, code, details ?? {});
  } catch {
    return new YardError(`The notebook server answered ${status}.`, 'Reload the page and try again.');
  }
}
