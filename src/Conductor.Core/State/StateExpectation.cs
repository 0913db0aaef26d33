namespace Conductor.State;

/// <summary>What a save expects to find: any version, none, or a certain one. Immutable.</summary>
public readonly record struct StateExpectation
{
    private const long AnyVersion = -1;

    private StateExpectation(long version) => Version = version;

    /// <summary>Overwrites whatever is there.</summary>
    public static StateExpectation Any { get; } = new(AnyVersion);

    /// <summary>Nothing may be there yet.</summary>
    public static StateExpectation MustNotExist { get; } = new(0);

    /// <summary>The version expected; 0 for none, -1 for any.</summary>
    public long Version { get; }

    /// <summary>True for <see cref="Any"/>.</summary>
    public bool IsAny => Version == AnyVersion;

    /// <summary>Expects a certain version.</summary>
    /// <param name="version">A version that a read gave; 0 is <see cref="MustNotExist"/>.</param>
    public static StateExpectation AtVersion(long version)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(version);
        return new StateExpectation(version);
    }

    /// <summary>Whether a stored version meets the expectation.</summary>
    /// <param name="stored">The stored version; 0 for none.</param>
    public bool IsMetBy(long stored) => IsAny || stored == Version;

    /// <summary>The expectation, for messages to people.</summary>
    public override string ToString() => IsAny ? "any version" : Version == 0 ? "no record" : $"version {Version}";
}
