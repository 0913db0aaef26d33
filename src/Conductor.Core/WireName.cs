using System.Buffers;

namespace Conductor;

/// <summary>The one rule for names that become parts of channels, store keys and metric tags.</summary>
internal static class WireName
{
    private const int MaxLength = 128;

    private static readonly SearchValues<char> _allowed =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

    public static bool IsValid(string? name) => name is { Length: > 0 and <= MaxLength } && !name.AsSpan().ContainsAnyExcept(_allowed);

    public static string Normalize(string name, string kind)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!IsValid(name))
        {
            throw new ArgumentException(
                $"'{name}' is no name for {kind}: use one to {MaxLength} letters, digits, '_', '-' or '.'.", nameof(name));
        }

        return name.ToLowerInvariant();
    }
}
