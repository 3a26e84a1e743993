import * as React from 'react';

interface UnsavedChangesProps {
  path: string;
  onSave: () => void;
  onCancel: () => void;
}

/** Asked before a save when the document has changes that are not on disk: they are never silently left out. */
export function UnsavedChanges(props: UnsavedChangesProps): JSX.Element {
  const first = React.useRef<HTMLButtonElement>(null);
  React.useEffect(() => first.current?.focus(), []);
  return (
    <div className="yard-UnsavedChanges" role="alertdialog" aria-label="Unsaved changes">
      <p>
        <span className="yard-path">{props.path}</span> has changes that are not on disk yet. The version
        holds what is on disk.
      </p>
      <div className="yard-buttons">
        <button type="button" ref={first} className="jp-mod-styled jp-mod-accept" onClick={props.onSave}>
          Save the file and go on
        </button>
        <button type="button" className="jp-mod-styled" onClick={props.onCancel}>
          Cancel
        </button>
      </div>
    </div>
  );
}
