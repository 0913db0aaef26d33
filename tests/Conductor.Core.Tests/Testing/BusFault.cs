namespace Conductor.Tests.Testing;

/// <summary>What a <see cref="BrokenMessageBus"/> does wrong.</summary>
public enum BusFault
{
    /// <summary>It delivers to every subscription whose channel the name begins with.</summary>
    Prefix,

    /// <summary>It takes channels for one whose names differ in case.</summary>
    Case,

    /// <summary>It drops messages once it has carried many.</summary>
    Burst,

    /// <summary>It delivers every message twice.</summary>
    Twice,

    /// <summary>It delivers nothing.</summary>
    Deaf,
}
