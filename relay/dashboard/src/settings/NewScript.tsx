export function NewScript() {
  return <h1>NewScript</h1>;
}
