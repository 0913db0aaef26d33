namespace Conductor.Messaging;

/// <summary>What telemetry calls a channel: without ids, which have no place in the name of a span.</summary>
internal sealed class ChannelNames(string template)
{
    public string Template { get; } = template;

    public string Send { get; } = $"send {template}";

    public string Process { get; } = $"process {template}";
}
