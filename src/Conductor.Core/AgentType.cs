using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>
/// The kind of work an agent takes: an open set around a name, with the seven well-known types as members. Your own are as good:
/// <c>new AgentType("translator")</c>.
/// </summary>
/// <remarks>
/// Names are lower-cased when built and compared ordinally. <c>default</c> is nameless, hashes safely and is refused at every boundary.
/// Immutable and thread-safe.
/// </remarks>
[JsonConverter(typeof(AgentTypeJsonConverter))]
[TypeConverter(typeof(AgentTypeConverter))]
public readonly struct AgentType : IEquatable<AgentType>, IComparable<AgentType>, IParsable<AgentType>
{
    private readonly string? _name;

    /// <summary>Makes an agent type from a name.</summary>
    /// <param name="name">One to 128 letters, digits, <c>_</c>, <c>-</c> or <c>.</c>; upper case is lowered.</param>
    /// <exception cref="ArgumentException">The name is empty, too long or has another character.</exception>
    public AgentType(string name) => _name = WireName.Normalize(name, nameof(AgentType));

    /// <summary>Writes and repairs code.</summary>
    public static AgentType Coding { get; } = new("coding");

    /// <summary>Reviews what was written.</summary>
    public static AgentType Review { get; } = new("review");

    /// <summary>Prepares test data.</summary>
    public static AgentType TestData { get; } = new("test_data");

    /// <summary>Runs tests.</summary>
    public static AgentType Test { get; } = new("test");

    /// <summary>Builds and packs.</summary>
    public static AgentType DevOps { get; } = new("devops");

    /// <summary>Brings a build to where it runs.</summary>
    public static AgentType Deploying { get; } = new("deploying");

    /// <summary>Watches what runs and feeds findings back.</summary>
    public static AgentType Monitor { get; } = new("monitor");

    /// <summary>The seven well-known types, in the order of the three phases.</summary>
    public static IReadOnlyList<AgentType> WellKnown { get; } = [Coding, Review, TestData, Test, DevOps, Deploying, Monitor];

    /// <summary>The name; empty for <c>default</c>.</summary>
    public string Name => _name ?? string.Empty;

    /// <summary>True for <c>default</c>, which names no type.</summary>
    public bool IsEmpty => _name is null;

    /// <summary>Whether two types have one name.</summary>
    /// <param name="left">One type.</param>
    /// <param name="right">The other type.</param>
    public static bool operator ==(AgentType left, AgentType right) => left.Equals(right);

    /// <summary>Whether two types have different names.</summary>
    /// <param name="left">One type.</param>
    /// <param name="right">The other type.</param>
    public static bool operator !=(AgentType left, AgentType right) => !left.Equals(right);

    /// <summary>Whether one name sorts before the other, ordinally.</summary>
    /// <param name="left">One type.</param>
    /// <param name="right">The other type.</param>
    public static bool operator <(AgentType left, AgentType right) => left.CompareTo(right) < 0;

    /// <summary>Whether one name sorts after the other, ordinally.</summary>
    /// <param name="left">One type.</param>
    /// <param name="right">The other type.</param>
    public static bool operator >(AgentType left, AgentType right) => left.CompareTo(right) > 0;

    /// <summary>Whether one name sorts before the other or equals it, ordinally.</summary>
    /// <param name="left">One type.</param>
    /// <param name="right">The other type.</param>
    public static bool operator <=(AgentType left, AgentType right) => left.CompareTo(right) <= 0;

    /// <summary>Whether one name sorts after the other or equals it, ordinally.</summary>
    /// <param name="left">One type.</param>
    /// <param name="right">The other type.</param>
    public static bool operator >=(AgentType left, AgentType right) => left.CompareTo(right) >= 0;

    /// <inheritdoc />
    public static AgentType Parse(string s, IFormatProvider? provider) => new(s);

    /// <inheritdoc />
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out AgentType result)
    {
        var valid = WireName.IsValid(s);
        result = valid ? new AgentType(s!) : default;
        return valid;
    }

    /// <inheritdoc />
    public bool Equals(AgentType other) => string.Equals(_name, other._name, StringComparison.Ordinal);

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is AgentType other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => _name is null ? 0 : _name.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc />
    public int CompareTo(AgentType other) => string.CompareOrdinal(_name, other._name);

    /// <summary>The name; empty for <c>default</c>.</summary>
    public override string ToString() => Name;
}
