import { Clipboard } from '@jupyterlab/apputils';
import * as React from 'react';

/** Copies `text` and says so for two seconds. */
export function CopyButton(props: { label: string; text: string; disabled?: boolean }): JSX.Element {
  const [copied, setCopied] = React.useState(false);
  React.useEffect(() => {
    const timer = copied ? window.setTimeout(() => setCopied(false), 2000) : 0;
    return () => window.clearTimeout(timer);
  }, [copied]);
  const copy = (): void => {
    Clipboard.copyToSystem(props.text);
    setCopied(true);
  };
  return (
    <button type="button" className="jp-mod-styled yard-small" onClick={copy} disabled={props.disabled}>
      <span aria-live="polite">{copied ? 'Copied' : props.label}</span>
    </button>
  );
}
