namespace Conductor.Threading;

/// <summary>What processors hand to each other at a time: what one of them often changes stays away that far from what others look at.</summary>
internal static class CacheLine
{
    /// <summary>In bytes.</summary>
    public const int Size = 64;
}
