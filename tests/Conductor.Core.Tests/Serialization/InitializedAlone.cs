namespace Conductor.Tests.Serialization;

/// <summary>Made without values, and given all of them at once.</summary>
internal sealed record InitializedAlone
{
    public required string Name { get; init; }
}
