import * as React from 'react';

import { ParameterKind } from '../types';

/** A declared parameter as it is typed: the default is text until the save. */
export interface Draft {
  /** Stays the same while the name is edited. */
  key: number;
  name: string;
  kind: ParameterKind;
  text: string;
}

const KINDS: ParameterKind[] = ['string', 'integer', 'number', 'boolean', 'json'];

interface ParameterTableProps {
  drafts: Draft[];
  problems: Record<number, string>;
  onChange: (drafts: Draft[]) => void;
}

/** Names, types and defaults of the entrypoint's parameters; rows can be changed, added and removed. */
export function ParameterTable(props: ParameterTableProps): JSX.Element {
  const change = (key: number, part: Partial<Draft>): void =>
    props.onChange(props.drafts.map(draft => (draft.key === key ? { ...draft, ...part } : draft)));
  const add = (): void => {
    const key = Math.max(0, ...props.drafts.map(draft => draft.key)) + 1;
    props.onChange([...props.drafts, { key, name: '', kind: 'string', text: '' }]);
  };
  return (
    <div className="yard-ParameterTable">
      <table>
        <caption>Parameters</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Type</th>
            <th scope="col">Default</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {props.drafts.map(draft => (
            <ParameterRow
              key={draft.key}
              draft={draft}
              problem={props.problems[draft.key]}
              onChange={part => change(draft.key, part)}
              onRemove={() => props.onChange(props.drafts.filter(other => other.key !== draft.key))}
            />
          ))}
          {props.drafts.length === 0 && (
            <tr>
              <td colSpan={4} className="yard-note">
                None found. Tag a cell “parameters”, or add them here.
              </td>
            </tr>
          )}
        </tbody>
      </table>
      <button type="button" className="jp-mod-styled yard-small" onClick={add}>
        Add parameter
      </button>
    </div>
  );
}

interface RowProps {
  draft: Draft;
  problem: string | undefined;
  onChange: (part: Partial<Draft>) => void;
  onRemove: () => void;
}

function ParameterRow(props: RowProps): JSX.Element {
  const { draft, problem, onChange } = props;
  const shown = draft.name || 'new parameter';
  const noteId = `modelyard-parameter-${draft.key}-note`;
  return (
    <>
      <tr className={problem ? 'yard-wrong' : ''}>
        <td>
          <input
            className="jp-mod-styled"
            aria-label={`Name of ${shown}`}
            value={draft.name}
            spellCheck={false}
            aria-describedby={problem ? noteId : undefined}
            onChange={event => onChange({ name: event.target.value.trim() })}
          />
        </td>
        <td>
          <select
            className="jp-mod-styled"
            aria-label={`Type of ${shown}`}
            value={draft.kind}
            onChange={event => onChange({ kind: event.target.value as ParameterKind })}
          >
            {KINDS.map(kind => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
        </td>
        <td>
          <input
            className="jp-mod-styled"
            aria-label={`Default of ${shown}`}
            value={draft.text}
            spellCheck={false}
            onChange={event => onChange({ text: event.target.value })}
          />
        </td>
        <td>
          <button
            type="button"
            className="yard-remove"
            aria-label={`Remove ${shown}`}
            title={`Remove ${shown}`}
            onClick={props.onRemove}
          >
            ✕
          </button>
        </td>
      </tr>
      {problem && (
        <tr>
          <td colSpan={4} id={noteId} className="yard-note yard-wrong">
            {problem}
          </td>
        </tr>
      )}
    </>
  );
}
